/** The two sides of the border in short: what the pills at its ends say. */
import type { Overview, PeerServer, Trunk } from '../api/types';
import { span } from '../format/time';
import { own, type Words } from '../words/words';
import { ofPbx } from './ends';
import { heardPbx } from './counters';

/** Grade is a state; none is no state at all and has no colour. */
export type Grade = 'ok' | 'warn' | 'bad' | 'none';

export interface Peer {
  grade: Grade;
  state: string;
  /** Short phrases that stand side by side. */
  detail: string[];
}

export function office(overview: Overview, words: Words): Peer {
  const t = words.border;
  const { address, transport, srtp, reachable } = overview.pbx;
  const { phones } = overview;
  if (!address && phones) {
    const detail = [words.phones.count(phones.registered.length, phones.most)];
    return { grade: phones.reachable ? 'ok' : 'bad', state: phones.reachable ? words.phones.answers : words.phones.away, detail };
  }
  if (!address) return { grade: 'none', state: t.pbxNone, detail: [] };
  const detail = [t.over(address, transport.toUpperCase()), media(srtp, words)];
  if (reachable === undefined && !overview.calls.some((c) => c.state === 'answered' && ofPbx(c))) {
    return { grade: 'none', state: heardPbx(overview.counters) ? t.pbxHeard : t.pbxUnknown, detail };
  }
  // Nobody needs to probe a PBX that has a call.
  return reachable !== false ? { grade: 'ok', state: t.pbxAnswers, detail } : { grade: 'bad', state: t.pbxSilent, detail };
}

export function carrier(overview: Overview, now: number, words: Words): Peer {
  const t = words.border;
  const all = overview.trunks.length;
  if (all === 0) return { grade: 'none', state: t.carrierNone, detail: [] };
  const up = overview.trunks.filter(works).length;
  const detail = all === 1 ? trunkLine(overview.trunks[0]!, now, words) : overview.trunks.map((x) => x.name);
  if (up === all) return { grade: 'ok', state: t.trunksUp(up, all), detail };
  const registering = overview.trunks.filter((x) => x.state === 'registering').length;
  if (up === 0 && registering === 0) return { grade: 'bad', state: t.trunksDown(all), detail };
  return { grade: 'warn', state: up === 0 ? t.registering : t.trunksUp(up, all), detail };
}

/** works tells whether calls can go through a trunk. */
export function works(trunk: Trunk): boolean {
  return trunk.state === 'up' || trunk.state === 'static';
}

export function trunkGrade(state: Trunk['state']): Grade {
  return ({ up: 'ok', static: 'none', registering: 'warn', down: 'bad' } as const)[state];
}

/** media says how audio goes to a peer, by its SRTP mode. A mode of a later release is shown as it is. */
export function media(srtp: string, words: Words): string {
  return own<string>(words.connections.srtp, srtp) ?? srtp;
}

function trunkLine(trunk: Trunk, now: number, words: Words): string[] {
  const parts = [trunk.tls_version || trunk.transport.toUpperCase(), media(trunk.srtp, words)];
  if (trunk.state === 'up' && trunk.since) parts.push(words.border.registered(span(now - Date.parse(trunk.since))));
  if (trunk.state === 'static') parts.push(words.border.static);
  return parts.filter(Boolean);
}

/** serverGrade is the state of one server of a peer. */
export function serverGrade(state: PeerServer['state']): Grade {
  return ({ up: 'ok', unknown: 'none', avoided: 'warn', down: 'bad' } as const)[state];
}

/** milliseconds writes a round trip: tenths while they matter. */
export function milliseconds(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
