import { expect, test } from 'vitest';
import type { Call, Refusal } from '../api/types';
import { encrypted, office } from '../testing/overview';
import { fitsCall, fitsRefusal } from './filter';

const call: Call = {
  id: 'c1', direction: 'out', from: '201', to: '+33472105518', trunk: 'carrier-a', state: 'answered',
  started: '2026-11-22T14:00:00Z', emergency: false, rule: '', steps: [], legs: { caller: office, callee: { ...encrypted, keying: 'dtls' } },
};
const refusal: Refusal = {
  at: '2026-11-22T14:00:00Z', from: '209', to: '+33899123456', side: 'inside', source: 'pbx', rule: 'limits.calls',
  reason: 'The limit is reached.', status: 503, count: 1, steps: [],
};

test.each(['', ' ', '201', '0472105518', '04 72 10', '+33 4 72', '4721055', 'carrier-a', 'CARRIER', 'sha1', '201 carrier'])(
  'a call is found by what is seen of it: %s',
  (filter) => expect(fitsCall(call, filter)).toBe(true),
);

test.each(['202', 'carrier-b', '201 carrier-b', '+34', '0572'])('a call is not found by what it is not: %s', (filter) =>
  expect(fitsCall(call, filter)).toBe(false),
);

test('a refusal is found by its rule, its reason and its answer', () => {
  for (const filter of ['limits', 'reached', '503', '0899', 'pbx']) expect(fitsRefusal(refusal, filter)).toBe(true);
  expect(fitsRefusal(refusal, 'route')).toBe(false);
});
