/** A thread in words, for those who do not see it. */
import type { Call, Leg } from '../api/types';
import { harmless } from '../format/hostile';
import { spell } from '../format/number';
import type { Words } from '../words/words';
import { crosses, endsAt, peerName } from './ends';

export function inWords(call: Call, time: string, words: Words): string {
  const t = words.border;
  const name = (text: string) => harmless(spell(text), 64) || t.unknown;
  const peer = (leg: Leg) => peerName(leg.peer || call.trunk, words);
  const [from, to, { caller, callee }] = [name(call.from), name(call.to), call.legs];
  const who = {
    out: () => t.out(from, to, peer(callee)),
    in: () => t.in(from, to, peer(caller)),
    within: () => t.within(from, to),
    through: () => t.through(from, to, peer(caller), peer(callee)),
  }[call.direction]();
  const state = (call.state === 'answered' ? t.answered : t.rings)(time);
  const urgent = call.emergency ? [`${t.emergency}.`] : [];
  return [...urgent, who, state, ...(call.state === 'answered' ? legs(call, words) : [])].join(' ');
}

function legs(call: Call, words: Words): string[] {
  const t = words.border;
  if (!crosses(call)) return [t.callerLeg(leg(call.legs.caller, words)), t.calleeLeg(leg(call.legs.callee, words))];
  return [
    ...endsAt(call, 'inside').map((end) => t.officeLeg(leg(end.leg, words))),
    ...endsAt(call, 'outside').map((end) => t.carrierLeg(leg(end.leg, words))),
  ];
}

function leg(leg: Leg, words: Words): string {
  if (!leg.encrypted) return leg.keying === 'zrtp' ? words.border.endToEnd : words.border.clear;
  return words.border.locked(leg.suite) + (leg.keying === 'dtls' ? `, ${words.border.byDtls}` : '');
}
