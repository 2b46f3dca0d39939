/** Where the two ends of a call stand: mostly one on each side of the gate, sometimes both on one. */
import type { Call, Leg, Overview } from '../api/types';
import { harmless } from '../format/hostile';
import type { Words } from '../words/words';

export type Role = 'caller' | 'callee';
export type Side = Leg['side'];

/** End is one of the two who talk. */
export interface End {
  role: Role;
  leg: Leg;
  number: string;
}

/** endsAt lists who of a call is on a side, the caller first. */
export function endsAt(call: Call, side: Side): End[] {
  const both: End[] = [
    { role: 'caller', leg: call.legs.caller, number: call.from },
    { role: 'callee', leg: call.legs.callee, number: call.to },
  ];
  return both.filter((end) => end.leg.side === side);
}

/** legsAt lists the legs of a call on a side. */
export const legsAt = (call: Call, side: Side): Leg[] => endsAt(call, side).map((end) => end.leg);

/** crosses tells whether a call goes from one side to the other. */
export const crosses = (call: Call): boolean => call.legs.caller.side !== call.legs.callee.side;

/** ofPbx tells whether the office's own PBX has a part in a call. */
export const ofPbx = (call: Call): boolean => endsAt(call, 'inside').some((end) => end.leg.peer === 'pbx');

/** lockedOutside tells whether nobody outside can listen. A call within the office is not outside at all. */
export const lockedOutside = (call: Call): boolean => legsAt(call, 'outside').every((leg) => leg.encrypted);

/** heard tells whether a leg has audio, or is to have it. */
export const heard = (call: Call, leg: Leg): boolean => call.state === 'answered' || leg.packets_in + leg.packets_out > 0;

/** peerName says who is at the other end of a leg: the office's PBX, a phone by its address, or a trunk by its name. */
export function peerName(peer: string, words: Words): string {
  const t = words.border;
  if (peer === 'pbx') return t.pbx;
  if (peer === 'remote pbx') return t.remotePbx;
  if (peer.startsWith('phone ')) return t.phone(harmless(peer.slice('phone '.length), 60));
  return harmless(peer, 40) || t.unknown;
}

/** callNamed finds a call that still runs. */
export const callNamed = (overview: Overview, id: string): Call | undefined => overview.calls.find((c) => c.id === id);
