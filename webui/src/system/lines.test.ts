import { expect, test } from 'vitest';
import { offset } from './lines';

const text = 'site:\n  name: Zoë 😀 x\nlimits: 1';

test.each([
  [1, 1, 'site:'],
  [2, 3, 'name: Zoë 😀 x'],
  [2, 15, 'x'],
  [3, 9, '1'],
  [3, 0, 'limits: 1'],
  [3, 99, ''],
  [9, 1, ''],
])('line %d, column %d selects %s', (line, column, selected) => {
  const { from, to } = offset(text, line, column);
  expect(text.slice(from, to)).toBe(selected);
});
