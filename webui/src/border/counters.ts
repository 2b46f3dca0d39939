/** The packet filter's counters, read by their names: side, what was counted, and what became of it. */
import type { Counter } from '../api/types';
import { harmless } from '../format/hostile';
import { own, type Words } from '../words/words';

/** sent: the box's own packets, neither stopped nor let in. */
export type Fate = 'stopped' | 'passed' | 'sent';

/** gate: the filter counts it for the box as a whole. */
export type Side = 'inside' | 'outside' | 'gate';

export interface Reading {
  counter: Counter;
  side: Side;
  /** What was counted, the same word on both sides. */
  kind: string;
  fate: Fate;
}

const fates: Record<string, Fate> = {
  rtp: 'passed',
  page: 'passed',
  answers: 'passed',
  icmp_errors: 'passed',
  ping: 'passed',
  fragments: 'passed',
  neighbours: 'passed',
  passed_out: 'passed',
  passed_back: 'passed',
  rtp_closed: 'stopped',
  sip_refused: 'stopped',
  page_refused: 'stopped',
  fragments_refused: 'stopped',
  sip_over_rate: 'stopped',
  tcp_over_rate: 'stopped',
  not_sip: 'stopped',
  banned: 'stopped',
  blocked: 'stopped',
  sip_around: 'stopped',
  broadcast: 'stopped',
  invalid: 'stopped',
  dropped: 'stopped',
  forged: 'stopped',
  other_port: 'stopped',
  forwarded: 'stopped',
  sip_sent: 'sent',
  rtp_sent: 'sent',
};

/** A peer's own counter: udp_5060_pbx, tcp_5061_trunk_carrier-a. */
const peer = /^(udp|tcp)_(\d+)_(?:trunk_)?(.+)$/;

/** read takes a counter's name apart. A name of a later release is sorted by the words in it. */
export function read(counter: Counter): Reading {
  const [, side, kind = counter.name] = /^(inside|outside)_(.+)$/.exec(counter.name) ?? [];
  const fate = own(fates, kind) ?? (peer.test(kind) ? 'passed' : undefined);
  if (fate) return { counter, side: (side as Side | undefined) ?? 'gate', kind, fate };
  const hint = /(inside|outside)/.exec(counter.name)?.[1] as Side | undefined;
  return { counter, side: hint ?? 'gate', kind: counter.name, fate: guess(counter.name) };
}

function guess(name: string): Fate {
  if (/drop|refus|clos|invalid|forged|banned|denied/.test(name)) return 'stopped';
  return /sent/.test(name) ? 'sent' : 'passed';
}

/** label says what was counted, in the language of the page where it is known, else in the box's own words. */
export function label(reading: Reading, words: Words): string {
  const known = own(words.counters, reading.kind);
  if (known) return known;
  const of = peer.exec(reading.kind);
  if (of) return words.network.sipFrom(harmless(of[3]!, 60), of[1]!.toUpperCase(), of[2]!);
  return harmless(reading.counter.comment || reading.counter.name, 120);
}

/** strangers is how many packets of the outside were stopped, broadcasts that concern nobody left aside. */
export function strangers(counters: Counter[]): number {
  return counters
    .map(read)
    .filter((r) => r.fate === 'stopped' && r.side !== 'inside' && r.kind !== 'broadcast')
    .reduce((sum, r) => sum + r.counter.packets, 0);
}

/** heardPbx tells whether SIP ever came from the PBX since the filter was set. */
export function heardPbx(counters: Counter[]): boolean {
  return counters.some((c) => /^inside_(udp|tcp)_\d+_pbx$/.test(c.name) && c.packets > 0);
}

/** Row is one kind on both sides of the border. */
export interface Row {
  kind: string;
  label: string;
  inside?: Counter;
  outside?: Counter;
  gate?: Counter;
}

/** rows brings the two sides of each kind together, in the filter's own order. */
export function rows(counters: Counter[], fate: Fate, words: Words): Row[] {
  const found = new Map<string, Row>();
  for (const reading of counters.map(read)) {
    if (reading.fate !== fate) continue;
    const row = found.get(reading.kind) ?? { kind: reading.kind, label: label(reading, words) };
    found.set(reading.kind, { ...row, [reading.side]: reading.counter });
  }
  return [...found.values()];
}
