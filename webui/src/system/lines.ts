/** Lines and columns of a text, both counted from 1; a column counts characters as Go does, by code point. */

/** offset returns where a line and column stand in the text and where the line ends, in UTF-16 units as a text field counts. */
export function offset(text: string, line: number, column: number): { from: number; to: number } {
  let start = 0;
  for (let i = 1; i < line; i++) {
    const next = text.indexOf('\n', start);
    if (next < 0) return { from: text.length, to: text.length };
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  const to = end < 0 ? text.length : end;
  const before = [...text.slice(start, to)].slice(0, Math.max(0, column - 1)).join('');
  return { from: Math.min(start + before.length, to), to };
}
