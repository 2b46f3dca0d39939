import { expect, test } from 'vitest';
import { overview, call, trunk } from '../testing/overview';
import { en } from '../words/en';
import { fr } from '../words/fr';
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
  clear.legs.callee.encrypted = false;
  expect(keys(overview({ calls: [clear], trunks: [trunk({ srtp: 'off' })] }))).toEqual(['clear']);
  expect(keys(overview({ calls: [], trunks: [trunk({ srtp: 'off' })] }))).toEqual(['clear carrier-a']);
});

test('a call that only rings has no audio to be in clear', () => {
  const rings = call({ state: 'ringing', answered: undefined });
  rings.legs.callee.encrypted = false;
  expect(keys(overview({ calls: [rings] }))).toEqual([]);
});

test('packets with a wrong key are told', () => {
  const meddled = call();
  meddled.legs.callee.auth_failures = 3;
  expect(keys(overview({ calls: [meddled] }))).toEqual(['keys']);
});

test('a box that is nearly full says so, and emergency calls do not count', () => {
  const calls = (n: number, emergency = false) => Array.from({ length: n }, (_, i) => call({ id: `c${i}`, emergency }));
  expect(keys(overview({ limits: { calls: 10 }, calls: calls(8) }))).toEqual([]);
  expect(needs(overview({ limits: { calls: 10 }, calls: calls(9) }), now, en)[0]!.grade).toBe('warn');
  expect(needs(overview({ limits: { calls: 10 }, calls: calls(10) }), now, en)[0]!.grade).toBe('bad');
  expect(keys(overview({ limits: { calls: 10 }, calls: calls(10, true) }))).toEqual([]);
});

test('an emergency call is told until somebody has acknowledged it, with what passed for it', () => {
  const at = '2026-11-22T14:50:00Z';
  const exception = { at, rule: 'trunks.srtp', reason: 'the audio is not encrypted' };
  const help = { at, call: 'c1', from: '201', to: '112', source: 'pbx', exceptions: [exception] };
  const [bad] = needs(overview({ emergencies: [help] }), now, en);
  expect(bad).toMatchObject({ grade: 'bad', why: 'The audio is not encrypted.', english: true, act: { place: 'calls', inside: '' } });
  expect(bad!.what).toContain('201');
  expect(needs(overview({ emergencies: [help] }), now, fr)[0]).toMatchObject({ why: fr.exceptions['trunks.srtp'] });
  const unproven = { ...help, exceptions: [{ ...exception, rule: 'wrong digest' }] };
  expect(needs(overview({ emergencies: [unproven] }), now, fr)[0]).toMatchObject({ why: fr.rules['wrong digest'] });
  const [well] = needs(overview({ emergencies: [{ ...help, exceptions: [] }], calls: [call({ id: 'c1' })] }), now, en);
  expect(well).toMatchObject({ grade: 'warn', why: en.needs.emergencyLead, act: { inside: 'c1' } });
  expect(keys(overview({ emergencies: [{ ...help, at: '2026-11-19T13:57:00Z' }] }))).toHaveLength(1);
  expect(keys(overview({ emergencies: [{ ...help, seen: { at, who: 'admin' } }] }))).toEqual([]);
});

test('an emergency call in clear is not one of those that leave the building in clear', () => {
  const help = call({ emergency: true });
  help.legs.callee.encrypted = false;
  expect(keys(overview({ calls: [help] }))).toEqual([]);
});

test('what the policy costs stands once for each peer, and its trunk not again', () => {
  const warnings = ['transport', 'srtp'].map((key) => ({ peer: 'carrier-a', path: `trunks[0].${key}`, text: `${key} in clear` }));
  const o = overview({ warnings, trunks: [trunk({ srtp: 'off' })] });
  expect(needs(o, now, en)).toMatchObject([{ key: 'warning carrier-a', grade: 'bad', why: 'Transport in clear. Srtp in clear.', english: true }]);
  expect(needs(o, now, fr)[0]).toMatchObject({ why: `${fr.warnings.transport} ${fr.warnings.srtp}`, english: false });
  const optional = overview({ warnings: [warnings[1]!], trunks: [trunk({ srtp: 'optional' })] });
  expect(needs(optional, now, fr)[0]!.why).toBe(fr.warnings.srtp_optional);
  const unplugged = overview({ warnings: [{ peer: 'network', path: 'network', text: 'There is no port on USB.' }] });
  expect(needs(unplugged, now, en)[0]).toMatchObject({ key: 'ports', grade: 'bad', why: 'There is no port on USB.', english: true });
  const strange = overview({ warnings: [{ peer: 'constructor', path: 'x.toString', text: 'odd' }] });
  expect(needs(strange, now, fr)[0]).toMatchObject({ what: fr.needs.warned('constructor'), why: 'Odd.', english: true });
});

test('phones whose PBX is away, and servers that fail, are told', () => {
  const phones = { pbx: 'cloud.example', reachable: false, reason: 'It does not answer.', survival: 'phones' as const, most: 10, servers: [], registered: [] };
  expect(needs(overview({ phones }), now, en)).toMatchObject([{ key: 'phones', grade: 'bad', why: en.phones.survival.phones }]);
  const server = { host: 'a.example', address: '198.51.100.10:5061', reason: '', round_trip_ms: 8, registered: false };
  const servers = [{ ...server, state: 'up' as const }, { ...server, state: 'down' as const, reason: 'no answer to OPTIONS' }];
  expect(needs(overview({ trunks: [trunk({ servers })] }), now, en)).toMatchObject([
    { key: 'servers carrier-a', grade: 'warn', what: '1 of 2 servers of carrier-a fails', why: 'No answer to OPTIONS.', english: true },
  ]);
});

test('a call on which somebody is not heard comes before the connections, in the language of the page', () => {
  const diagnosis = {
    rule: 'stopped', leg: 'callee' as const, since: '2026-11-22T14:57:20Z', tried: [], healed: false,
    sentence: { en: 'carrier-a has sent none', fr: 'carrier-a n’en envoie plus' }, remedy: { en: 'call again', fr: 'rappelez' },
  };
  const ill = overview({ calls: [call({ diagnosis })] });
  expect(needs(ill, Date.parse(ill.at), en)).toContainEqual(expect.objectContaining({ key: 'silent', grade: 'bad', why: 'carrier-a has sent none' }));
  expect(needs(ill, Date.parse(ill.at), fr)).toContainEqual(expect.objectContaining({ key: 'silent', why: 'carrier-a n’en envoie plus' }));
  const well = overview({ calls: [call({ diagnosis: { ...diagnosis, over: '2026-11-22T14:57:30Z' } })] });
  expect(needs(well, Date.parse(well.at), en).map((x) => x.key)).not.toContain('silent');
});

test('a box that takes no more calls says so', () => {
  const full = overview();
  full.load = { ...full.load, full: true, rule: 'load.cpu', reason: 'the processors are busy to 97 %' };
  expect(needs(full, Date.parse(full.at), en)).toContainEqual(expect.objectContaining({ key: 'load', why: 'The processors are busy to 97 %.' }));
  expect(needs(full, Date.parse(full.at), fr)).toContainEqual(expect.objectContaining({ key: 'load', why: 'Les processeurs sont occupés.' }));
});

test('what the machine itself wants stands in the language of the page', () => {
  const since = '2026-11-22T14:00:00Z';
  const ill = overview({ worries: [{ what: 'crash', since, reason: 'the program has ended' }, { what: 'too-hot', since, reason: 'the box is too hot' }, { what: 'damp', since, reason: 'it is wet' }] });
  expect(needs(ill, now, fr)).toMatchObject([
    { key: 'machine crash', grade: 'bad', what: fr.needs.crash, act: { place: 'system' } },
    { key: 'machine too-hot', why: fr.board.worries['too-hot'] },
    { key: 'machine damp', why: 'It is wet.', english: true },
  ]);
});
