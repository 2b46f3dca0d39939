import { expect, test } from 'vitest';
import { call, encrypted, overview, trunk } from '../testing/overview';
import { en } from '../words/en';
import { carrier, milliseconds, office } from './peers';

const now = Date.parse('2026-11-22T14:58:00Z');
const pbx = (reachable: boolean | undefined, address = '192.0.2.10:5060') => ({ address, transport: 'udp', srtp: 'off', reachable });
const counted = [{ name: 'inside_udp_5060_pbx', comment: '', packets: 3, bytes: 180 }];

test('the PBX answers when it is known to, or when a call goes through it', () => {
  expect(office(overview({ pbx: pbx(true) }), en)).toMatchObject({ grade: 'ok', state: en.border.pbxAnswers });
  expect(office(overview({ pbx: pbx(undefined), calls: [call()] }), en).grade).toBe('ok');
  expect(office(overview({ pbx: pbx(false), calls: [call()] }), en).grade).toBe('bad');
  const elsewhere = call({ direction: 'through', legs: { caller: encrypted, callee: encrypted } });
  expect(office(overview({ pbx: pbx(undefined), calls: [elsewhere] }), en).grade).toBe('none');
});

test('what is not known of the PBX is not claimed', () => {
  expect(office(overview({ pbx: pbx(undefined) }), en)).toMatchObject({ grade: 'none', state: en.border.pbxUnknown });
  expect(office(overview({ pbx: pbx(undefined), counters: counted }), en)).toMatchObject({ grade: 'none', state: en.border.pbxHeard });
  expect(office(overview({ pbx: pbx(undefined, '') }), en).state).toBe(en.border.pbxNone);
});

test('where there are phones and no PBX, the office is as well as their PBX elsewhere', () => {
  const phones = { pbx: 'cloud.example', reachable: true, reason: '', survival: 'phones' as const, most: 10, servers: [], registered: [] };
  expect(office(overview({ pbx: pbx(undefined, ''), phones }), en)).toEqual({ grade: 'ok', state: en.phones.answers, detail: ['0 of at most 10 registered'] });
  expect(office(overview({ pbx: pbx(undefined, ''), phones: { ...phones, reachable: false } }), en).grade).toBe('bad');
});

test('one trunk is told in full, several by their names', () => {
  expect(carrier(overview(), now, en)).toEqual({
    grade: 'ok',
    state: 'Trunk ready',
    detail: ['TLS 1.3', 'SRTP required', 'registered 58 min ago'],
  });
  const two = [trunk(), trunk({ name: 'carrier-b', state: 'down' })];
  expect(carrier(overview({ trunks: two }), now, en)).toEqual({ grade: 'warn', state: '1 of 2 trunks ready', detail: ['carrier-a', 'carrier-b'] });
});

test.each([
  [['down'], 'bad'],
  [['registering'], 'warn'],
  [['static'], 'ok'],
  [['down', 'registering'], 'warn'],
  [[], 'none'],
] as const)('trunks that are %j make the carrier %s', (states, grade) => {
  const trunks = states.map((state, i) => trunk({ name: `t${i}`, state }));
  expect(carrier(overview({ trunks }), now, en).grade).toBe(grade);
});

test.each([
  [8.25, '8.3'],
  [31.4, '31'],
  [0.04, '0'],
])('a round trip of %d ms is written %s', (ms, shown) => expect(milliseconds(ms, 'en-GB')).toBe(shown));
