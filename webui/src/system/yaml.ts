/** Just enough of YAML to tell keys, values and comments apart for the eye. It reads nothing for a machine. */

export interface Part {
  kind: 'key' | 'comment' | 'mask' | 'plain';
  text: string;
}

/** parts cuts one line into pieces that join to the line itself. */
export function parts(line: string): Part[] {
  const out: Part[] = [];
  const add = (kind: Part['kind'], text: string) => {
    if (text) out.push({ kind, text });
  };
  const comment = /(^|\s)#.*$/.exec(line);
  // A # inside quotes is no comment; when in doubt the line stays plain.
  const code = comment && !/["']/.test(line.slice(0, comment.index)) ? line.slice(0, comment.index) : line;
  const key = /^(\s*(?:- +)*)([A-Za-z0-9_.-]+:)(?=\s|$)/.exec(code);
  const rest = key ? code.slice(key[0].length) : code;
  if (key) {
    add('plain', key[1]!);
    add('key', key[2]!);
  }
  add(/^\s*(['"]?)\*\*\*\1\s*$/.test(rest) ? 'mask' : 'plain', rest);
  add('comment', line.slice(code.length));
  return out;
}
