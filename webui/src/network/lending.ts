/** How the box's own DHCP server does, judged from what it tells. */
import type { Lending } from '../api/types';
import type { Grade } from '../border/peers';

export type LendingState = 'lends' | 'scarce' | 'full' | 'looking' | 'other' | 'broken';

/** At this part of the pool, and less, somebody should know that it will not last. */
const fewParts = 10;

/** judge tells how the server does; what keeps it from lending anything comes first. */
export function judge(l: Lending): LendingState {
  if (l.other) return 'other';
  if (l.problem) return 'broken';
  if (!l.lends) return 'looking';
  if (l.free === 0) return 'full';
  return l.free * fewParts <= l.size ? 'scarce' : 'lends';
}

export const grades: Record<LendingState, Grade> = { lends: 'ok', scarce: 'warn', full: 'bad', looking: 'none', other: 'bad', broken: 'bad' };
