import { expect, test } from 'vitest';
import { en } from '../words/en';
import { fr } from '../words/fr';
import { degrees, ending } from './board';

test('how the program has ended is said in both languages', () => {
  expect(ending('exit code 2', en.board)).toBe('exit code 2');
  expect(ending('exit code 2', fr.board)).toBe('code de sortie 2');
  expect(ending('signal: aborted', fr.board)).toBe('signal «\u00a0aborted\u00a0»');
  expect(ending('it proved itself well no more, and was ended', fr.board)).toBe(fr.board.hung);
});

test('a temperature has no more digits than it is worth', () => {
  expect(degrees(79.5, 'en-GB')).toBe('80 °C');
});

test('the light has as many patterns in both languages, and no two look alike', () => {
  for (const words of [en, fr]) {
    const looks = words.board.light.says.map(([look]) => look);
    expect(looks).toHaveLength(9);
    expect(new Set(looks).size).toBe(9);
  }
});
