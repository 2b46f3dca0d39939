/** What wants the person: judged from the overview alone, most pressing first. */
import type { Call, Overview } from '../api/types';
import { sentence } from '../format/sentence';
import { duration, span } from '../format/time';
import type { PlaceName } from '../state/place.svelte';
import type { Words } from '../words/words';

/** Need is one thing that wants the person, with one act. */
export interface Need {
  key: string;
  grade: 'bad' | 'warn' | 'note';
  what: string;
  why: string;
  /** True when `why` is the box's own sentence, which is English. */
  english?: boolean;
  act?: { label: string; keep?: number; place?: PlaceName; inside?: string };
}

export function needs(overview: Overview, now: number, words: Words): Need[] {
  return [
    ...mode(overview, now, words),
    ...connections(overview, words),
    ...media(overview, words),
    ...limits(overview, words),
  ];
}

function mode(overview: Overview, now: number, words: Words): Need[] {
  const t = words.needs;
  if (overview.mode === 'setup') {
    const act = { label: t.setupAct, place: 'system', inside: 'import' } as const;
    return [{ key: 'setup', grade: 'note', what: t.setup, why: t.setupLead, act }];
  }
  if (overview.mode === 'draining') {
    return [{ key: 'draining', grade: 'warn', what: t.draining, why: t.drainingLead }];
  }
  const { number, deadline } = overview.revision;
  if (overview.mode !== 'trial' || !deadline) return [];
  const why = t.trialLead(duration(Date.parse(deadline) - now));
  return [{ key: 'trial', grade: 'warn', what: t.trial(number), why, act: { label: t.trialAct, keep: number } }];
}

function connections(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const out: Need[] = [];
  if (overview.pbx.reachable === false) {
    const act = { label: t.pbxAct, place: 'connections' } as const;
    out.push({ key: 'pbx', grade: 'bad', what: t.pbx, ...reason(overview.pbx.reason ?? '', t.pbxLead(overview.pbx.address)), act });
  }
  for (const trunk of overview.trunks) {
    const act = { label: t.trunkAct, place: 'connections' } as const;
    if (trunk.state === 'down') {
      out.push({ key: `trunk ${trunk.name}`, grade: 'bad', what: t.trunk(trunk.name), ...reason(trunk.reason, t.trunkLead), act });
      continue;
    }
    if (trunk.altered) {
      out.push({ key: `altered ${trunk.name}`, grade: 'warn', what: t.altered(trunk.name), ...reason(trunk.altered, ''), act });
    }
    for (const account of trunk.accounts.filter((a) => a.state === 'down')) {
      const what = t.account(trunk.name, account.user);
      out.push({ key: `account ${trunk.name} ${account.user}`, grade: 'warn', what, ...reason(account.reason, t.trunkLead), act });
    }
  }
  return out;
}

function reason(own: string, otherwise: string): Pick<Need, 'why' | 'english'> {
  return own ? { why: sentence(own), english: true } : { why: otherwise };
}

function media(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const out: Need[] = [];
  const answered = overview.calls.filter((c) => c.state === 'answered');
  const clear = answered.filter((c) => !c.legs.outside.encrypted);
  if (clear.length > 0) {
    const why = t.clearLead([...new Set(clear.map((c) => c.trunk))].join(', '));
    out.push({ key: 'clear', grade: 'warn', what: t.clear(clear.length), why, act: toCall(clear, t.clearAct) });
  }
  for (const trunk of overview.trunks) {
    if (trunk.srtp !== 'off' || clear.some((c) => c.trunk === trunk.name)) continue;
    const act = { label: t.trunkAct, place: 'connections' } as const;
    out.push({ key: `clear ${trunk.name}`, grade: 'warn', what: t.trunkClear(trunk.name), why: t.clearLead(trunk.name), act });
  }
  const meddled = answered.filter((c) => c.legs.outside.auth_failures + c.legs.inside.auth_failures > 0);
  if (meddled.length > 0) {
    out.push({ key: 'keys', grade: 'warn', what: t.keys(meddled.length), why: t.keysLead, act: toCall(meddled, t.keysAct) });
  }
  return out;
}

/** One call is opened; several are shown in the list. */
function toCall(calls: Call[], label: string): Need['act'] {
  return { label, place: 'calls', inside: calls.length === 1 ? calls[0]!.id : '' };
}

function limits(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const used = overview.calls.filter((c) => !c.emergency).length;
  const limit = overview.limits.calls;
  if (limit === 0 || used < 0.9 * limit) return [];
  const act = { label: t.fullAct, place: 'system' } as const;
  return [{ key: 'full', grade: used >= limit ? 'bad' : 'warn', what: t.full(used, limit), why: t.fullLead, act }];
}

/** sinceWords says how long ago a time of the box was. */
export function sinceWords(time: string, now: number, words: Words): string {
  return words.ago(span(now - Date.parse(time)));
}
