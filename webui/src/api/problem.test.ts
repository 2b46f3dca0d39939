import { expect, test } from 'vitest';
import { en } from '../words/en';
import { fr } from '../words/fr';
import { say, Trouble } from './problem';

const problem = (kind: string, detail: string, remedy: string) =>
  new Trouble({ type: `urn:tollgate:${kind}` as never, title: 'x', status: 400, detail, remedy });

test('in English the box speaks for itself, because it knows the case at hand', () => {
  expect(say(problem('not-now', 'Revision 13 is on trial now, not 12.', 'Look at it.'), en)).toEqual({
    what: 'Revision 13 is on trial now, not 12.',
    remedy: 'Look at it.',
  });
});

test('in French a known kind has French words', () => {
  expect(say(problem('wrong-password', 'The password is wrong.', 'x'), fr).what).toBe(fr.problems['wrong-password']![0]);
});

test('how long to wait is told in both languages', () => {
  const locked = new Trouble({ type: 'urn:tollgate:too-many-attempts' as never, detail: 'Too many.', remedy: 'Wait 8 s.' }, 8);
  expect(say(locked, en).remedy).toBe('Wait 8 s.');
  expect(say(locked, fr).remedy).toBe('Attendez 8 s, puis réessayez.');
});

test('a kind of a later release keeps the words of the box', () => {
  expect(say(problem('something-new', 'It is so.', 'Do this.'), fr)).toEqual({ what: 'It is so.', remedy: 'Do this.' });
  expect(say(problem('constructor', 'It is so.', ''), fr).what).toBe('It is so.');
});

test('no answer at all, and an error of the page itself, have words too', () => {
  expect(say(new Trouble(), en).what).toBe(en.problems.unreachable![0]);
  expect(say(new TypeError('x is undefined'), en).what).toContain('x is undefined');
});
