/** sentence makes a sentence of what the box says of itself: a capital first, a full stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  return trimmed[0]!.toUpperCase() + trimmed.slice(1).replace(/[.!?…]?$/, (end) => end || '.');
}
