import { expect, test } from 'vitest';
import { brief, day, duration, isoDuration, minute, moment, second, span, utc } from './time';

const at = Date.parse('2026-11-22T14:57:51Z');

test('times are in the zone of the site, whatever the browser has', () => {
  expect(minute(at, 'Europe/Paris', 'en-GB')).toBe('15:57');
  expect(second(at, 'Europe/Paris', 'fr-FR')).toBe('15:57:51');
  expect(minute(at, 'Indian/Reunion', 'fr-FR')).toBe('18:57');
});

test('a zone unknown to the browser shows its own time instead of breaking the page', () => {
  expect(minute(at, 'Not/AZone', 'en-GB')).toMatch(/^\d\d:\d\d$/);
});

test('a time that is none does not break the page', () => {
  expect([minute(NaN, 'Europe/Paris', 'en-GB'), moment(NaN, at, '', 'fr-FR'), utc(NaN)]).toEqual(['–', '–', '–']);
});

test('the day is written as each language does', () => {
  expect(day(at, 'Europe/Paris', 'en-GB')).toBe('Sunday 22 November');
  expect(day(at, 'Europe/Paris', 'fr-FR')).toBe('dimanche 22 novembre');
});

test('a moment of today is its time alone, by the day of the site', () => {
  expect(moment(at, at + 60_000, 'Europe/Paris', 'en-GB')).toBe('15:57');
  expect(moment(at, at + 10 * 3600_000, 'Europe/Paris', 'en-GB')).toBe('22 Nov, 15:57');
  expect(moment(at, at + 365 * 86400_000, 'Europe/Paris', 'en-GB')).toBe('22 Nov 2026, 15:57');
});

test('where there is little room a moment is its time or its day', () => {
  expect(brief(at, at + 60_000, 'Europe/Paris', 'en-GB')).toBe('15:57');
  expect(brief(at, at + 10 * 3600_000, 'Europe/Paris', 'fr-FR')).toBe('22 nov.');
});

test('UTC stands in the tooltip', () => {
  expect(utc(at)).toBe('2026-11-22 14:57:51 UTC');
});

test.each([
  [0, '00:00'],
  [-5000, '00:00'],
  [252_999, '04:12'],
  [3_599_999, '59:59'],
  [3_852_000, '1:04:12'],
  [36_000_000, '10:00:00'],
])('%d ms at the gate read %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test('a duration has a form for machines', () => {
  expect(isoDuration(252_999)).toBe('PT252S');
});

test.each([
  [-1, 0, 'second'],
  [59_999, 59, 'second'],
  [60_000, 1, 'minute'],
  [3_600_000, 1, 'hour'],
  [86_399_999, 23, 'hour'],
  [200_000_000, 2, 'day'],
])('%d ms are %d of a %s', (ms, value, unit) => {
  expect(span(ms)).toEqual({ value, unit });
});
