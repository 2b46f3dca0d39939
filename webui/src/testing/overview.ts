/** Overviews for tests: a box that is well, with what the test changes. */
import type { Call, Leg, Lending, Overview, Trunk } from '../api/types';

export const encrypted: Leg = {
  peer: 'carrier-a',
  side: 'outside',
  keying: 'sdes',
  encrypted: true,
  suite: 'AES_CM_128_HMAC_SHA1_80',
  packets_in: 100,
  packets_out: 100,
  auth_failures: 0,
  strangers: 0,
};

export const office: Leg = { ...encrypted, peer: 'pbx', side: 'inside', encrypted: false, suite: '', keying: '' };

export function call(changed: Partial<Call> = {}): Call {
  return {
    id: 'c1',
    direction: 'out',
    from: '201',
    to: '+33472105518',
    trunk: 'carrier-a',
    state: 'answered',
    started: '2026-11-22T14:57:00Z',
    answered: '2026-11-22T14:57:10Z',
    emergency: false,
    rule: 'admission.classes',
    steps: [{ rule: 'admission.classes', says: 'allows', why: 'national number +33472105518 is open' }],
    legs: { caller: { ...office }, callee: { ...encrypted } },
    ...changed,
  };
}

export function trunk(changed: Partial<Trunk> = {}): Trunk {
  return {
    name: 'carrier-a',
    domain: 'sip.carrier-a.example',
    transport: 'tls',
    srtp: 'required',
    state: 'up',
    reason: 'Registered.',
    since: '2026-11-22T14:00:00Z',
    expires: '2026-11-22T15:30:00Z',
    tls_version: 'TLS 1.3',
    profile: '',
    servers: [],
    seen_at: '',
    seen_by: '',
    altered: '',
    accounts: [],
    calls: 0,
    cap: 20,
    ...changed,
  };
}

export function lending(changed: Partial<Lending> = {}): Lending {
  return {
    interface: 'eth0', lends: true, other: '', problem: '', first: '192.0.2.100', last: '192.0.2.199', size: 100, free: 97,
    leases: [{ address: '192.0.2.100', hardware: '02:00:00:00:00:01', name: 'reception', until: '2026-11-23T02:58:00Z', reserved: false }],
    aside: [],
    ...changed,
  };
}

export function overview(changed: Partial<Overview> = {}): Overview {
  return {
    at: '2026-11-22T14:58:00Z',
    started: '2026-11-01T00:00:00Z',
    mode: 'running',
    site: { name: 'Lyon branch', country: 'FR', time_zone: 'Europe/Paris', language: 'en', version: 'test' },
    revision: { number: 41, who: 'admin', why: '', at: '2026-11-22T08:12:00Z', state: 'confirmed' },
    limits: { calls: 30 },
    load: {
      cpu_percent: 6, late_ms: 0.4, resident_bytes: 60e6, free_bytes: 2e9, packets_per_second: 200, capacity: 600,
      together: true, packet_us: 16, crypto_us: 4, full: false, rule: '', reason: '',
    },
    pbx: { address: '192.0.2.10:5060', transport: 'udp', srtp: 'off', reachable: true },
    trunks: [trunk()],
    ports: [],
    calls: [],
    refusals: [],
    counters: [],
    warnings: [],
    worries: [],
    banned: 0,
    bans: [],
    fraud: { mode: 'act', spent_cents: 0, budget_cents: 8000, blocks: [], alarms: [] },
    credentials: [],
    emergencies: [],
    call_backs: [],
    ...changed,
  };
}
