/** What wants the person: judged from the overview alone, most pressing first. */
import type { Call, EmergencyException, Overview, Warning } from '../api/types';
import { spell } from '../format/number';
import { sentence } from '../format/sentence';
import { duration, span } from '../format/time';
import { judge } from '../network/lending';
import type { PlaceName } from '../state/place.svelte';
import { remedy } from '../system/fallback';
import { own, type Words } from '../words/words';
import { callNamed, legsAt, lockedOutside } from './ends';

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
    ...emergencies(overview, now, words),
    ...silent(overview, words),
    ...connections(overview, words),
    ...warnings(overview, words),
    ...lending(overview, words),
    ...update(overview, now, words),
    ...machine(overview, words),
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

/** An emergency call wants to be known until somebody has said that it is. */
function emergencies(overview: Overview, now: number, words: Words): Need[] {
  const t = words.needs;
  const unseen = overview.emergencies.filter((e) => !e.seen);
  return unseen.map((e) => {
    const what = e.to ? t.emergency(spell(e.from) || words.border.unknown, spell(e.to), sinceWords(e.at, now, words)) : t.emergencyOther(sinceWords(e.at, now, words));
    const act = { label: t.clearAct, place: 'calls', inside: callNamed(overview, e.call) ? e.call : '' } as const;
    const said = e.exceptions[0] ? exception(e.exceptions[0], words) : { why: t.emergencyLead };
    return { key: `emergency ${e.call} ${e.at}`, grade: e.exceptions.length > 0 ? 'bad' : 'warn', what, ...said, act };
  });
}

/**
 * exception says what passed for an emergency call, in the language of the page where the rule is known: one of those for
 * such calls, or one that refuses others.
 */
export function exception(x: EmergencyException, words: Words): Pick<Need, 'why' | 'english'> {
  return told(own(words.exceptions, x.rule) ?? own(words.rules, x.rule), x.reason);
}

/** What a policy costs stands together for each peer. */
function warnings(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const list = overview.warnings.filter((w) => w.path !== lendingPath);
  const peers = [...new Set(list.map((w) => w.peer))];
  return peers.map((peer) => {
    const said = list.filter((w) => w.peer === peer).map((w) => warning(w, overview, words));
    const english = said.some((s) => s.english);
    if (peer === 'network') {
      const act = { label: t.portsAct, place: 'network' } as const;
      return { key: 'ports', grade: 'bad', what: t.ports, why: said.map((s) => s.why).join(' '), english, act };
    }
    const act = { label: t.trunkAct, place: 'connections' } as const;
    return { key: `warning ${peer}`, grade: 'bad', what: t.warned(own(t.peers, peer) ?? peer), why: said.map((s) => s.why).join(' '), english, act };
  });
}

/** The box warns of its DHCP server under this key; the page says more about it, in its own words. */
const lendingPath = 'network.inside.dhcp_server';

/** Telephones that get no address, or soon none. */
function lending(overview: Overview, words: Words): Need[] {
  const l = overview.lending;
  if (!l) return [];
  const t = words.lending;
  const need = (grade: Need['grade'], what: string, why: string): Need[] => [
    { key: 'lending', grade, what, why, act: { label: words.needs.portsAct, place: 'network' } },
  ];
  switch (judge(l)) {
    case 'full':
      return need('bad', t.full, t.fullLead);
    case 'scarce':
      return need('warn', t.scarce(l.free), t.fullLead);
    case 'other':
      return need('bad', t.other(l.other), t.otherLead);
    case 'broken':
      return need('bad', t.broken, t.brokenLead);
    default:
      return [];
  }
}

/** What the machine itself wants: air, another supply, another card, or somebody who sees how its program has ended. */
function machine(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  return overview.worries.map((w) => {
    const said = w.what === 'crash' ? { why: words.board.crashed } : told(own(words.board.worries, w.what), w.reason);
    return { key: `machine ${w.what}`, grade: 'bad', what: w.what === 'crash' ? t.crash : t.machine, ...said, act: { label: t.portsAct, place: 'system' } };
  });
}

/** After this time only its own place tells of an update that fell back. */
const week = 7 * 24 * 3600 * 1000;

/** An update that did not prove itself, mostly in the night. */
function update(overview: Overview, now: number, words: Words): Need[] {
  const u = overview.update;
  if (u?.outcome !== 'fell_back' || now - Date.parse(u.at) > week) return [];
  const t = words.update;
  const why = `${t.checks[u.check ?? 'none']} ${remedy(u.check, t)}`;
  return [{ key: 'update', grade: 'bad', what: t.left(u.release), why, act: { label: words.needs.portsAct, place: 'system' } }];
}

/** warning says what the policy costs, in the language of the page where the key is known. */
export function warning(w: Warning, overview: Overview, words: Words): Pick<Need, 'why' | 'english'> {
  const key = w.path.slice(w.path.lastIndexOf('.') + 1);
  const mode = key === 'srtp' && overview.trunks.find((x) => x.name === w.peer)?.srtp !== 'off' ? 'srtp_optional' : key;
  return told(own(words.warnings, mode), w.text);
}

/** told takes the page's own words where it has some, else the box's own sentence. */
function told(known: string | undefined, text: string): Pick<Need, 'why' | 'english'> {
  return known ? { why: known } : { why: sentence(text), english: true };
}

function connections(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const out: Need[] = [];
  if (overview.pbx.reachable === false) {
    const act = { label: t.pbxAct, place: 'connections' } as const;
    out.push({ key: 'pbx', grade: 'bad', what: t.pbx, ...reason(overview.pbx.reason ?? '', t.pbxLead(overview.pbx.address)), act });
  }
  if (overview.phones?.reachable === false) {
    const act = { label: t.pbxAct, place: 'connections' } as const;
    out.push({ key: 'phones', grade: 'bad', what: t.phones(overview.phones.pbx), why: words.phones.survival[overview.phones.survival], act });
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
    const failing = trunk.servers.filter((s) => s.state === 'down' || s.state === 'avoided');
    if (failing.length > 0) {
      const what = t.servers(failing.length, trunk.servers.length, trunk.name);
      out.push({ key: `servers ${trunk.name}`, grade: 'warn', what, ...reason(failing[0]!.reason, t.serversLead), act });
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
  const clear = answered.filter((c) => !c.emergency && !lockedOutside(c));
  if (clear.length > 0) {
    const open = clear.flatMap((c) => legsAt(c, 'outside').filter((leg) => !leg.encrypted));
    const why = t.clearLead([...new Set(open.map((leg) => leg.peer))].join(', '));
    out.push({ key: 'clear', grade: 'warn', what: t.clear(clear.length), why, act: toCall(clear, t.clearAct) });
  }
  for (const trunk of overview.trunks) {
    if (trunk.srtp !== 'off' || overview.warnings.some((w) => w.peer === trunk.name) || clear.some((c) => c.trunk === trunk.name)) continue;
    const act = { label: t.trunkAct, place: 'connections' } as const;
    out.push({ key: `clear ${trunk.name}`, grade: 'warn', what: t.trunkClear(trunk.name), why: t.clearLead(trunk.name), act });
  }
  const meddled = answered.filter((c) => c.legs.caller.auth_failures + c.legs.callee.auth_failures > 0);
  if (meddled.length > 0) {
    out.push({ key: 'keys', grade: 'warn', what: t.keys(meddled.length), why: t.keysLead, act: toCall(meddled, t.keysAct) });
  }
  return out;
}

/** One call is opened; several are shown in the list. */
function toCall(calls: Call[], label: string): Need['act'] {
  return { label, place: 'calls', inside: calls.length === 1 ? calls[0]!.id : '' };
}

/** A call on which somebody is not heard: the box's own sentence, in the language of the page. */
function silent(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const ill = overview.calls.filter((c) => c.diagnosis && !c.diagnosis.over);
  if (ill.length === 0) return [];
  const said = ill[0]!.diagnosis!.sentence;
  const why = words.locale === 'fr-FR' ? said.fr : said.en;
  return [{ key: 'silent', grade: 'bad', what: t.silent(ill.length), why, act: toCall(ill, t.keysAct) }];
}

function limits(overview: Overview, words: Words): Need[] {
  const t = words.needs;
  const { load } = overview;
  if (load.full) {
    const said = told(own(words.rules, load.rule), load.reason);
    return [{ key: 'load', grade: 'bad', what: t.load, ...said, act: { label: t.keysAct, place: 'system' } }];
  }
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
