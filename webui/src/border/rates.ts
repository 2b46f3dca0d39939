/** What flows now: differences between two overviews, by the box's clock. */
import type { Leg, Overview } from '../api/types';
import type { Role } from './ends';

/** seconds between two overviews; 0 when there is nothing to compare. */
export function seconds(before: Overview | undefined, now: Overview | undefined): number {
  if (!before || !now) return 0;
  return Math.max(0, (Date.parse(now.at) - Date.parse(before.at)) / 1000);
}

/** rate is the growth of a count each second, rounded. A count that went back started anew and says nothing yet. */
export function rate(before: number | undefined, now: number, elapsed: number): number {
  if (before === undefined || elapsed <= 0 || now < before) return 0;
  return Math.round((now - before) / elapsed);
}

/** legBefore finds the same leg in the overview before. */
export function legBefore(before: Overview | undefined, call: string, role: Role): Leg | undefined {
  return before?.calls.find((c) => c.id === call)?.legs[role];
}
