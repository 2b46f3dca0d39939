import { expect, test } from 'vitest';
import { judge } from './mos';

test('a score is told in a word', () => {
  expect([0, 1, 3.59, 3.6, 4.02, 4.03, 4.41].map(judge)).toEqual([undefined, 'poor', 'poor', 'fair', 'fair', 'good', 'good']);
});
