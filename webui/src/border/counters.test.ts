import { expect, test } from 'vitest';
import type { Counter } from '../api/types';
import { en } from '../words/en';
import { fr } from '../words/fr';
import { heardPbx, label, read, rows, strangers } from './counters';

const counter = (name: string, packets = 1, comment = ''): Counter => ({ name, comment, packets, bytes: 60 * packets });

test.each([
  ['inside_udp_5060_pbx', 'inside', 'passed', 'SIP from the PBX (UDP 5060)'],
  ['outside_tcp_5061_trunk_carrier-a', 'outside', 'passed', 'SIP from carrier-a (TCP 5061)'],
  ['outside_sip_refused', 'outside', 'stopped', en.counters.sip_refused],
  ['outside_rtp', 'outside', 'passed', en.counters.rtp],
  ['inside_rtp_closed', 'inside', 'stopped', en.counters.rtp_closed],
  ['forged', 'gate', 'stopped', en.counters.forged],
  ['fragments', 'gate', 'passed', en.counters.fragments],
  ['fragments_refused', 'gate', 'stopped', en.counters.fragments_refused],
  ['passed_out', 'gate', 'passed', en.counters.passed_out],
  ['passed_back', 'gate', 'passed', en.counters.passed_back],
  ['sip_around', 'gate', 'stopped', en.counters.sip_around],
  ['rtp_sent', 'gate', 'sent', en.counters.rtp_sent],
])('%s is of the %s, %s', (name, side, fate, text) => {
  const reading = read(counter(name));
  expect([reading.side, reading.fate]).toEqual([side, fate]);
  expect(label(reading, en)).toBe(text);
});

test('a counter of a later release is shown in the words of the box, harmless, and sorted by its name', () => {
  const reading = read(counter('outside_denied', 1, 'sources\u202e shut out'));
  expect(reading.fate).toBe('stopped');
  expect(label(reading, en)).toBe('sources· shut out');
});

test('every counter that English knows has a French word', () => {
  expect(Object.keys(fr.counters).sort()).toEqual(Object.keys(en.counters).sort());
});

test('strangers are what the outside sent in vain: not the office, not broadcasts, not what passed', () => {
  const list = [
    counter('outside_sip_refused', 100),
    counter('outside_rtp_closed', 20),
    counter('forged', 3),
    counter('inside_sip_refused', 1000),
    counter('outside_broadcast', 1000),
    counter('outside_rtp', 1000),
  ];
  expect(strangers(list)).toBe(123);
});

test('the PBX was heard when its own counter has counted', () => {
  expect(heardPbx([counter('inside_udp_5060_pbx', 0)])).toBe(false);
  expect(heardPbx([counter('inside_tcp_5061_pbx', 4)])).toBe(true);
  expect(heardPbx([counter('outside_udp_5060_trunk_pbx', 4)])).toBe(false);
});

test('the two sides of a kind stand in one row', () => {
  const list = [counter('inside_rtp', 5), counter('outside_rtp', 7), counter('outside_dropped', 9)];
  const found = rows(list, 'passed', en);
  expect(found).toHaveLength(1);
  expect([found[0]!.inside?.packets, found[0]!.outside?.packets]).toEqual([5, 7]);
});
