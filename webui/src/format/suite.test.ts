import { expect, test } from 'vitest';
import { encryption, shortSuite } from './suite';

test.each([
  ['AES_CM_128_HMAC_SHA1_80', 'AES-128, SHA1-80'],
  ['AES_CM_128_HMAC_SHA1_32', 'AES-128, SHA1-32'],
  ['AES_256_CM_HMAC_SHA1_80', 'AES-256, SHA1-80'],
  ['AEAD_AES_128_GCM', 'AES-128-GCM'],
  ['SOMETHING_NEW', 'SOMETHING_NEW'],
  ['', ''],
])('%s is shown as %s', (suite, short) => expect(shortSuite(suite)).toBe(short));

test('keys that come by handshakes are named, and none are before they are made', () => {
  expect(encryption({ suite: 'AEAD_AES_128_GCM', keying: 'dtls' })).toBe('AES-128-GCM (DTLS)');
  expect(encryption({ suite: 'AEAD_AES_128_GCM', keying: 'sdes' })).toBe('AES-128-GCM');
  expect(encryption({ suite: '', keying: 'dtls' })).toBe('');
});
