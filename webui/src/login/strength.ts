/**
 * How good a password is, as far as one can tell without a dictionary. The box itself only insists on the length
 * and on a handful of different characters; this is a hint while typing.
 */

export const least = 16;

export type Strength = 'short' | 'weak' | 'fair' | 'strong';

const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'azertyuiop', 'qsdfghjklm', 'wxcvbn', '01234567890', 'abcdefghijklmnopqrstuvwxyz'];

/** strength judges a password. */
export function strength(password: string): Strength {
  const letters = [...password];
  if (letters.length < least) return 'short';
  const surprising = letters.filter((_, i) => !foreseen(letters, i)).length;
  const different = new Set(letters.map((c) => c.toLowerCase())).size;
  if (different < 6 || surprising < 10) return 'weak';
  return surprising >= 18 && different >= 10 ? 'strong' : 'fair';
}

/** A character is foreseen when it repeats one of the last few or goes on along a row of keys. */
function foreseen(letters: string[], i: number): boolean {
  const here = letters[i]!.toLowerCase();
  const last = letters[i - 1]?.toLowerCase();
  if (last === undefined) return false;
  if (letters.slice(Math.max(0, i - 3), i).some((c) => c.toLowerCase() === here)) return true;
  return rows.some((row) => row.includes(last + here) || row.includes(here + last));
}
