import { expect, test } from 'vitest';
import { overview, call, trunk } from '../testing/overview';
import { en } from '../words/en';
import { needs } from './needs';

const now = Date.parse('2026-11-22T14:58:00Z');
const keys = (o: Parameters<typeof needs>[0]) => needs(o, now, en).map((n) => n.key);

test('a box that is well wants nothing', () => {
  expect(needs(overview(), now, en)).toEqual([]);
});

test('a box without a policy says why no call passes and where to bring one', () => {
  const [need] = needs(overview({ mode: 'setup', trunks: [] }), now, en);
  expect(need).toMatchObject({ key: 'setup', act: { place: 'system', inside: 'import' } });
});

test('a trial counts down by the clock of the box and can be kept', () => {
  const revision = { number: 42, who: 'admin', why: '', at: '2026-11-22T14:57:00Z', state: 'proposed' as const, deadline: '2026-11-22T14:59:30Z' };
  const [need] = needs(overview({ mode: 'trial', revision }), now, en);
  expect(need).toMatchObject({ key: 'trial', act: { keep: 42 } });
  expect(need!.why).toContain('01:30');
});

test('a trunk that is down stands with the box’s own reason, which is English', () => {
  const down = trunk({ state: 'down', reason: 'The carrier answers 403 Forbidden.' });
  expect(needs(overview({ trunks: [down] }), now, en)).toMatchObject([{ key: 'trunk carrier-a', grade: 'bad', why: down.reason, english: true }]);
  const silent = trunk({ state: 'down', reason: '' });
  expect(needs(overview({ trunks: [silent] }), now, en)[0]!.why).toBe(en.needs.trunkLead);
});

test('a router that changes messages stands with the box’s own sentence', () => {
  const altered = 'The router changes SIP messages (SIP ALG): Via a -> b.';
  expect(needs(overview({ trunks: [trunk({ altered })] }), now, en)).toMatchObject([
    { key: 'altered carrier-a', grade: 'warn', why: altered, english: true, act: { place: 'connections' } },
  ]);
});

test('a call that leaves the building in clear is named once, and its trunk not again', () => {
  const clear = call({ trunk: 'carrier-a' });
  clear.legs.outside.encrypted = false;
  expect(keys(overview({ calls: [clear], trunks: [trunk({ srtp: 'off' })] }))).toEqual(['clear']);
  expect(keys(overview({ calls: [], trunks: [trunk({ srtp: 'off' })] }))).toEqual(['clear carrier-a']);
});

test('a call that only rings has no audio to be in clear', () => {
  const rings = call({ state: 'ringing', answered: undefined });
  rings.legs.outside.encrypted = false;
  expect(keys(overview({ calls: [rings] }))).toEqual([]);
});

test('packets with a wrong key are told', () => {
  const meddled = call();
  meddled.legs.outside.auth_failures = 3;
  expect(keys(overview({ calls: [meddled] }))).toEqual(['keys']);
});

test('a box that is nearly full says so, and emergency calls do not count', () => {
  const calls = (n: number, emergency = false) => Array.from({ length: n }, (_, i) => call({ id: `c${i}`, emergency }));
  expect(keys(overview({ limits: { calls: 10 }, calls: calls(8) }))).toEqual([]);
  expect(needs(overview({ limits: { calls: 10 }, calls: calls(9) }), now, en)[0]!.grade).toBe('warn');
  expect(needs(overview({ limits: { calls: 10 }, calls: calls(10) }), now, en)[0]!.grade).toBe('bad');
  expect(keys(overview({ limits: { calls: 10 }, calls: calls(10, true) }))).toEqual([]);
});
