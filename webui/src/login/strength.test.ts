import { expect, test } from 'vitest';
import { strength } from './strength';

test.each([
  ['', 'short'],
  ['correct horse', 'short'],
  ['😀😀😀😀😀😀😀😀', 'short'],
  ['aaaaaaaaaaaaaaaaaaaa', 'weak'],
  ['abababababababababab', 'weak'],
  ['qwertyuiopasdfghjkl', 'weak'],
  ['12345678901234567890', 'weak'],
  ['abcdefghijklmnopqrstuvwxyz', 'weak'],
  ['orange carpet six', 'fair'],
  ['orange carpet violin September', 'strong'],
  ['k7#pQ2!vX9@mL4$wZ8%t', 'strong'],
])('%s is %s', (password, judged) => expect(strength(password)).toBe(judged));
