import { expect, test } from 'vitest';
import { parts } from './yaml';

test.each([
  ['site:', ['key']],
  ['  name: Lyon branch', ['plain', 'key', 'plain']],
  ['  - name: carrier-a # the first', ['plain', 'key', 'plain', 'comment']],
  ['# a comment', ['comment']],
  ['    secret: "***"', ['plain', 'key', 'mask']],
  ['    why: "room # 4"', ['plain', 'key', 'plain']],
  ['  - 192.0.2.0/24', ['plain']],
  ['', []],
])('%s', (line, kinds) => {
  expect(parts(line).map((p) => p.kind)).toEqual(kinds);
  expect(parts(line).map((p) => p.text).join('')).toBe(line);
});
