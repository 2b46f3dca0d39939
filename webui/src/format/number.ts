/**
 * Telephone numbers as people write them. A number that is not E.164 is somebody's own spelling and stays as it came.
 */

/** Country codes of two digits; those of one digit are 1 and 7, all others have three (ITU-T E.164, list of codes). */
const twoDigits = new Set(
  (
    '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 ' +
    '60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98'
  ).split(' '),
);

/** How the digits after the country code are grouped where there is a custom and the length fits. */
const customs: Record<string, number[]> = {
  '33': [1, 2, 2, 2, 2],
  '262': [3, 2, 2, 2],
  '590': [3, 2, 2, 2],
  '594': [3, 2, 2, 2],
  '596': [3, 2, 2, 2],
  '1': [3, 3, 4],
  '32': [1, 3, 2, 2],
};

/** French numbers of special services: 0 8AB. */
const frenchServices = [3, 2, 2, 2];

/** spell writes an E.164 number in groups: +33472105518 becomes +33 4 72 10 55 18. */
export function spell(number: string): string {
  if (!/^\+[1-9]\d{6,14}$/.test(number)) return number;
  const code = countryCode(number.slice(1));
  const rest = number.slice(1 + code.length);
  const custom = code === '33' && rest.startsWith('8') ? frenchServices : customs[code];
  return ['+' + code, ...groups(rest, custom)].join(' ');
}

function countryCode(digits: string): string {
  if (digits.startsWith('1') || digits.startsWith('7')) return digits.slice(0, 1);
  const two = digits.slice(0, 2);
  return twoDigits.has(two) ? two : digits.slice(0, 3);
}

/** Threes from the left, and a last group of two to four, unless the custom fits the length. */
function groups(digits: string, custom: number[] | undefined): string[] {
  const total = custom?.reduce((sum, n) => sum + n, 0);
  const out: string[] = [];
  let at = 0;
  if (custom && total === digits.length) {
    for (const n of custom) out.push(digits.slice(at, (at += n)));
    return out;
  }
  while (digits.length - at > 4) out.push(digits.slice(at, (at += 3)));
  if (at < digits.length) out.push(digits.slice(at));
  return out;
}
