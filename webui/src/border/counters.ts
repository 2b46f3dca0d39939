/** The packet filter's counters, told apart by what happened to the packets. */
import type { Counter } from '../api/types';

export type Fate = 'stopped' | 'passed';

/** fate reads a counter's name, which says what the rule does. */
export function fate(counter: Counter): Fate {
  return /drop|stranger|bann?ed|refus|reject|invalid|closed|denied/i.test(counter.name) ? 'stopped' : 'passed';
}

/** dropped is how many packets of strangers the filter stopped. */
export function dropped(counters: Counter[]): number {
  return counters.filter((c) => fate(c) === 'stopped').reduce((sum, c) => sum + c.packets, 0);
}
