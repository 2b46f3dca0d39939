import { expect, test } from 'vitest';
import { needs } from '../border/needs';
import { overview } from '../testing/overview';
import { en } from '../words/en';
import { fr } from '../words/fr';
import { remedy } from './fallback';

const at = '2026-11-22T02:58:00Z';
const fellBack = { release: '1.1.0', by: 'admin', at, outcome: 'fell_back' as const, check: 'trunk' as const, why: 'the trunk carrier-a was up before' };

test('each check that an update fails has a remedy', () => {
  expect(remedy('trunk', en.update)).toBe(en.update.remedies.trunk);
  expect(remedy('policy', fr.update)).toBe(fr.update.remedies.policy);
  expect(remedy('page', en.update)).toBe(en.update.remedies.other);
  expect(remedy(undefined, en.update)).toBe(en.update.remedies.none);
});

test('an update that fell back in the night is told for a week, and one that was kept is no worry', () => {
  const told = (update: typeof fellBack | undefined, now: string) => needs(overview({ update }), Date.parse(now), fr);
  expect(told(fellBack, '2026-11-22T08:00:00Z')).toMatchObject([
    { key: 'update', grade: 'bad', what: fr.update.left('1.1.0'), why: `${fr.update.checks.trunk} ${fr.update.remedies.trunk}`, act: { place: 'system' } },
  ]);
  expect(told(fellBack, '2026-11-29T08:00:00Z')).toEqual([]);
  expect(told(undefined, at)).toEqual([]);
  expect(needs(overview({ update: { ...fellBack, outcome: 'kept' } }), Date.parse(at), en)).toEqual([]);
});
