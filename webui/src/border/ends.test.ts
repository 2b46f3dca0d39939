import { expect, test } from 'vitest';
import { call, encrypted, office } from '../testing/overview';
import { en } from '../words/en';
import { crosses, endsAt, lockedOutside, peerName } from './ends';
import { inWords } from './sentence';

const carrierB = { ...encrypted, peer: 'carrier-b', keying: 'dtls' as const };
const through = call({ direction: 'through', from: '+33698765432', to: '+33712345678', legs: { caller: encrypted, callee: carrierB } });
const within = call({ direction: 'within', from: '101', to: '102', legs: { caller: { ...office, peer: 'phone 192.0.2.77' }, callee: { ...office, peer: 'phone 192.0.2.78' } } });

test('a call from one carrier to another has both ends at the right, and none in the office', () => {
  expect(crosses(through)).toBe(false);
  expect(endsAt(through, 'inside')).toEqual([]);
  expect(endsAt(through, 'outside').map((end) => end.number)).toEqual(['+33698765432', '+33712345678']);
  expect(inWords(through, '01:00', en)).toBe(
    '+33 6 98 76 54 32 calls +33 7 12 34 56 78 from carrier-a to carrier-b, not through the office. Connected for 01:00. ' +
      'Caller’s leg: Encrypted with AES_CM_128_HMAC_SHA1_80. Leg of who is called: Encrypted with AES_CM_128_HMAC_SHA1_80, keys by DTLS.',
  );
});

test('a call between two phones has both ends at the left, and nobody outside can listen', () => {
  expect(endsAt(within, 'outside')).toEqual([]);
  expect(lockedOutside(within)).toBe(true);
  expect(inWords(within, '01:00', en)).toContain('101 calls 102 within the office.');
});

test('a call is locked outside only when each of its legs there is', () => {
  expect(lockedOutside(through)).toBe(true);
  expect(lockedOutside({ ...through, legs: { caller: encrypted, callee: { ...carrierB, encrypted: false } } })).toBe(false);
});

test.each([
  ['pbx', 'PBX'],
  ['remote pbx', 'the phones’ PBX'],
  ['phone 192.0.2.77', 'phone at 192.0.2.77'],
  ['carrier-a', 'carrier-a'],
  ['', 'unknown'],
])('who is called %j by the box is %s to a reader', (peer, shown) => expect(peerName(peer, en)).toBe(shown));
