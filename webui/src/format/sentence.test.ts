import { expect, test } from 'vitest';
import { sentence } from './sentence';

test.each([
  ['', ''],
  ['no route leads to +33123456789', 'No route leads to +33123456789.'],
  ['Registered.', 'Registered.'],
  ['who is there?', 'Who is there?'],
  [' x ', 'X.'],
])('%j reads %j', (text, read) => expect(sentence(text)).toBe(read));
