import { type Identity } from '../../src/policy/identity.ts'

/** An identity as a policy sees it, with nothing but what a test is about. */
export function identity(overrides: Partial<Identity> = {}): Identity {
  return {
    anchor: 'built-in',
    kind: 'cn',
    value: 'somebody',
    commonNames: [],
    organizations: [],
    organizationalUnits: [],
    uris: [],
    emails: [],
    dnsNames: [],
    issuer: 'CN=Test CA',
    serial: '1',
    fingerprint: '00'.repeat(32),
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('2100-01-01T00:00:00Z'),
    ...overrides,
  }
}
