import { type Catalog } from '../../catalog/catalog.ts'
import { type Policy } from '../../policy/policy.ts'
import { countCharts } from '../../repository/count-charts.ts'
import { countVirtual } from '../../repository/count-virtual.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { type VerifiedHandler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export interface GetRepositoriesDeps {
  readonly catalog: Catalog
  readonly virtual: VirtualRepositories
  readonly policyInForce: () => Policy
  readonly settingsOf: SettingsOf
}

/**
 * The repositories that the caller may read, and how much of each. The root one has the empty name. A virtual one is
 * told with those of its members that the caller may read, and with what it shows of them.
 */
export function getRepositories({
  catalog,
  policyInForce,
  settingsOf,
  virtual,
}: GetRepositoriesDeps): VerifiedHandler {
  return async ({ identity }) => {
    const policy = policyInForce()
    const known = await catalog.listRepositories()
    const readable = known.filter(({ name }) => policy.actionsOf(identity, name).includes('read'))
    const repositories = []
    // One after the other: each is a look into the catalog, which others wait for as well.
    for (const { name, revision, changedAt } of readable) {
      const authorisation = policy.authorise(identity, 'read', name)
      if (settingsOf(name).virtual === undefined) {
        repositories.push({ name, revision, changedAt, ...(await countCharts({ catalog }, authorisation)) })
      } else {
        const counts = await countVirtual({ virtual }, authorisation)
        repositories.push({ name, changedAt, ...counts, members: virtual.readableParts(authorisation) })
      }
    }
    return jsonReply(200, { repositories }, { headers: { 'cache-control': 'no-store' } })
  }
}
