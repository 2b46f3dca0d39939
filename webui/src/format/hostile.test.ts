import { expect, test } from 'vitest';
import { harmless } from './hostile';

test('ordinary text stays, in every alphabet', () => {
  for (const text of ['201', 'Zoë Müller', '株式会社', '+33 4 72 10 55 18', '<script>alert(1)</script>']) {
    expect(harmless(text)).toBe(text);
  }
});

test('what turns a line around or hides in it is shown', () => {
  expect(harmless('a\u202eb')).toBe('a·b');
  expect(harmless('a\u0000\r\nb')).toBe('a···b');
  expect(harmless('+33\u200b4')).toBe('+33·4');
  expect(harmless('x\u{e0041}')).toBe('x·');
});

test('a long text is cut between characters, not inside one', () => {
  expect(harmless('😀'.repeat(10), 4)).toBe('😀😀😀…');
  expect(harmless('abcd', 4)).toBe('abcd');
});
