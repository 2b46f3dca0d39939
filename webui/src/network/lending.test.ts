import { expect, test } from 'vitest';
import { needs } from '../border/needs';
import { lending, overview } from '../testing/overview';
import { en } from '../words/en';
import { fr } from '../words/fr';
import { judge } from './lending';

test('a pool is well until a tenth of it is left, and full when nothing is', () => {
  expect(judge(lending({ size: 100, free: 11 }))).toBe('lends');
  expect(judge(lending({ size: 100, free: 10 }))).toBe('scarce');
  expect(judge(lending({ size: 3, free: 1 }))).toBe('lends');
  expect(judge(lending({ size: 3, free: 0 }))).toBe('full');
});

test('what keeps the server from lending comes before how much is left', () => {
  expect(judge(lending({ free: 0, lends: false, other: '192.0.2.66' }))).toBe('other');
  expect(judge(lending({ free: 0, lends: false, problem: 'network is down' }))).toBe('broken');
  expect(judge(lending({ free: 0, lends: false }))).toBe('looking');
});

test('a full pool and another server want somebody, in the language of the page and once', () => {
  const path = 'network.inside.dhcp_server';
  const told = (changed: Parameters<typeof lending>[0], words: typeof en | typeof fr) =>
    needs(overview({ lending: lending(changed), warnings: [{ peer: 'network', path, text: 'as the box says it' }] }), 0, words);
  expect(told({ free: 0 }, en)).toMatchObject([{ key: 'lending', grade: 'bad', what: en.lending.full, why: en.lending.fullLead, act: { place: 'network' } }]);
  expect(told({ lends: false, other: '192.0.2.66' }, fr)).toMatchObject([{ key: 'lending', what: fr.lending.other('192.0.2.66'), why: fr.lending.otherLead }]);
  expect(told({ lends: false, problem: 'network is down' }, fr)).toMatchObject([{ key: 'lending', what: fr.lending.broken, why: fr.lending.brokenLead }]);
  expect(told({ lends: false }, en)).toEqual([]);
  expect(told({ size: 100, free: 4 }, en)).toMatchObject([{ key: 'lending', grade: 'warn', what: en.lending.scarce(4) }]);
});
