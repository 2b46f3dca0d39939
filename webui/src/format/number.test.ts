import { expect, test } from 'vitest';
import { spell } from './number';

test.each([
  ['+33472105518', '+33 4 72 10 55 18', 'French landline'],
  ['+33612884007', '+33 6 12 88 40 07', 'French mobile'],
  ['+33899123456', '+33 899 12 34 56', 'French special service'],
  ['+262262123456', '+262 262 12 34 56', 'Réunion'],
  ['+3225551212', '+32 2 555 12 12', 'Brussels'],
  ['+12125550123', '+1 212 555 0123', 'North America'],
  ['+442079460018', '+44 207 946 0018', 'no custom known: threes, then what is left'],
  ['+35212345', '+352 123 45', 'country code of three digits'],
  ['+339', '+339', 'too short to be a number'],
])('%s is written %s (%s)', (number, spelt) => {
  expect(spell(number)).toBe(spelt);
});

test.each(['201', '112', '', 'anonymous', '0472105518', '+33 4 72 10 55 18', '+33<b>1</b>'])(
  'what is not E.164 stays as it came: %s',
  (number) => {
    expect(spell(number)).toBe(number);
  },
);

test('grouping never changes a digit', () => {
  for (let length = 7; length <= 15; length++) {
    for (const start of ['1', '7', '33', '32', '49', '352', '590', '999']) {
      const number = '+' + (start + '123456789012345').slice(0, length);
      expect(spell(number).replaceAll(' ', '')).toBe(number);
    }
  }
});
