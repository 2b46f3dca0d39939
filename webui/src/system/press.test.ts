import { expect, test } from 'vitest';
import { left, patience, pressed } from './press';

test('a press counts when it came after the page began to wait', () => {
  const before = '2026-11-22T14:58:00Z';
  expect(pressed(undefined, undefined)).toBe(false);
  expect(pressed(undefined, before)).toBe(true);
  expect(pressed(before, before)).toBe(false); // it was used up, or is for somebody else
  expect(pressed(before, undefined)).toBe(false);
  expect(pressed(before, '2026-11-22T14:59:10Z')).toBe(true);
});

test('the page waits for three minutes by the clock of the box', () => {
  expect(left(1000, 1000)).toBe(patience);
  expect(left(1000, 61_000)).toBe(120_000);
  expect(left(1000, 1000 + patience + 1)).toBe(0);
});
