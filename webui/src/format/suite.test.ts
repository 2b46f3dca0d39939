import { expect, test } from 'vitest';
import { shortSuite } from './suite';

test.each([
  ['AES_CM_128_HMAC_SHA1_80', 'AES-128, SHA1-80'],
  ['AES_CM_128_HMAC_SHA1_32', 'AES-128, SHA1-32'],
  ['AES_256_CM_HMAC_SHA1_80', 'AES-256, SHA1-80'],
  ['AEAD_AES_128_GCM', 'AES-128-GCM'],
  ['SOMETHING_NEW', 'SOMETHING_NEW'],
  ['', ''],
])('%s is shown as %s', (suite, short) => expect(shortSuite(suite)).toBe(short));
