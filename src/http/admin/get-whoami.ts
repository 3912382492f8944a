import { type Identity } from '../../policy/identity.ts'
import { type Policy } from '../../policy/policy.ts'
import { type Catalog } from '../../catalog/catalog.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { type VerifiedHandler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export interface WhoamiDeps {
  readonly catalog: Catalog
  readonly policyInForce: () => Policy
  readonly settingsOf: SettingsOf
}

/** Who the server takes the caller for, what that identity may do in each repository, and until when. */
export function getWhoami({ catalog, policyInForce, settingsOf }: WhoamiDeps): VerifiedHandler {
  return async ({ identity }) => {
    const policy = policyInForce()
    const repositories = await catalog.listRepositories()
    const grants = repositories
      .map(({ name }) => ({
        repository: name,
        may: policy.actionsOf(identity, name),
        ...(settingsOf(name).virtual !== undefined && { virtual: true }),
      }))
      .filter(({ may }) => may.length > 0)
    return jsonReply(
      200,
      { identity: describe(identity), grants },
      { headers: { 'cache-control': 'no-store' } },
    )
  }
}

function describe(identity: Identity): Record<string, unknown> {
  return {
    anchor: identity.anchor,
    kind: identity.kind,
    value: identity.value,
    commonNames: identity.commonNames,
    organizations: identity.organizations,
    organizationalUnits: identity.organizationalUnits,
    uris: identity.uris,
    emails: identity.emails,
    dnsNames: identity.dnsNames,
    issuer: identity.issuer,
    serial: identity.serial,
    fingerprint: identity.fingerprint,
    expiresAt: identity.notAfter.toISOString(),
  }
}
