import { expect, test } from 'vitest';
import { bytes, count, share } from './count';

test('thousands are set apart as each language does', () => {
  expect(count(12480, 'en-GB')).toBe('12,480');
  expect(count(12480, 'fr-FR')).toBe('12\u202f480');
});

test('sizes carry their unit', () => {
  expect(bytes(0, 'en-GB')).toBe('0 bytes');
  expect(bytes(999, 'fr-FR')).toBe('999\u00a0octets');
  expect(bytes(1234, 'en-GB')).toBe('1.2 kB');
  expect(bytes(1234, 'fr-FR')).toBe('1,2\u202fko');
  expect(bytes(56_700_000, 'en-GB')).toBe('57 MB');
});

test('a share is full only when nothing is missing', () => {
  expect(share(199, 200)).toBe(99);
  expect(share(200, 200)).toBe(100);
  expect(share(0, 0)).toBe(0);
});
