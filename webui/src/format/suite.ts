/** SRTP suites by short names: their SDES names (RFC 4568, RFC 7714) are long, and stand in the tooltip. */

export function shortSuite(suite: string): string {
  const counter = /^AES(?:_CM)?_(\d+)(?:_CM)?_HMAC_SHA1_(\d+)$/.exec(suite);
  if (counter) return `AES-${counter[1]}, SHA1-${counter[2]}`;
  const gcm = /^AEAD_AES_(\d+)_GCM$/.exec(suite);
  if (gcm) return `AES-${gcm[1]}-GCM`;
  return suite;
}

/** encryption says what a leg is encrypted with, and when its keys come by handshakes; "" before they are made. */
export function encryption(leg: { suite: string; keying: string }): string {
  const by = leg.keying === 'dtls' ? ' (DTLS)' : '';
  return leg.suite ? shortSuite(leg.suite) + by : '';
}
