/** A thread in words, for those who do not see it. */
import type { Call, Leg } from '../api/types';
import { harmless } from '../format/hostile';
import { spell } from '../format/number';
import type { Words } from '../words/words';

export function inWords(call: Call, time: string, words: Words): string {
  const t = words.border;
  const name = (text: string) => harmless(spell(text), 64) || t.unknown;
  const who = (call.direction === 'out' ? t.out : t.in)(name(call.from), name(call.to), harmless(call.trunk, 40));
  const state = (call.state === 'answered' ? t.answered : t.rings)(time);
  const legs = [t.officeLeg(leg(call.legs.inside, words)), t.carrierLeg(leg(call.legs.outside, words))];
  const urgent = call.emergency ? [`${t.emergency}.`] : [];
  return [...urgent, who, state, ...(call.state === 'answered' ? legs : [])].join(' ');
}

function leg(leg: Leg, words: Words): string {
  return leg.encrypted ? words.border.locked(leg.suite) : words.border.clear;
}
