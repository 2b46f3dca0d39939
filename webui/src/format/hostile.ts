/**
 * Text that came over the network: it may hold what the sender liked. Svelte writes text as text, so markup does
 * nothing; what is left to take away are the characters that turn the line around it or hide in it.
 */

// Controls, soft hyphen, zero widths, bidirectional marks and overrides, line separators, BOM, tags (Unicode UAX #9, #14).
const unseen =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** harmless shows each character that would not be seen as ·, and cuts what is longer than the limit. */
export function harmless(text: string, limit = 120): string {
  const shown = text.replace(unseen, '·');
  const letters = [...shown];
  return letters.length > limit ? letters.slice(0, limit - 1).join('') + '…' : shown;
}
