import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The colours as they are written: name, light, dark. */
const sheet = readFileSync('src/look/tokens.css', 'utf8');
const tokens = new Map(
  [...sheet.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map((m) => [m[1]!, [m[2]!, m[3]!] as const]),
);

/** Contrast of two colours (WCAG 2.2, relative luminance). */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [r, g, blue] = [1, 3, 5]
      .map((i) => parseInt(colour.slice(i, i + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['paper', 'card', 'sunk'];
const pairs = [
  ...['ink', 'second', 'third', 'accent', 'ok', 'warn', 'bad'].flatMap((ink) => grounds.map((ground) => [ink, ground, 4.5] as const)),
  ...['ok', 'warn', 'bad', 'accent'].map((state) => [state, `${state}-soft`, 4.5] as const),
  ['on-accent', 'accent', 4.5] as const,
  ['edge', 'card', 3] as const,
  ['edge', 'paper', 3] as const,
];

test.each(pairs)('%s can be read on %s in light and dark', (ink, ground, least) => {
  for (const theme of [0, 1] as const) {
    expect(contrast(tokens.get(ink)![theme], tokens.get(ground)![theme])).toBeGreaterThanOrEqual(least);
  }
});
