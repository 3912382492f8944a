import { type Catalog } from '../../catalog/catalog.ts'
import { type Policy } from '../../policy/policy.ts'
import { countCharts } from '../../repository/count-charts.ts'
import { type VerifiedHandler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export interface GetRepositoriesDeps {
  readonly catalog: Catalog
  readonly policyInForce: () => Policy
}

/** The repositories that the caller may read, and how much of each. The root one has the empty name. */
export function getRepositories({ catalog, policyInForce }: GetRepositoriesDeps): VerifiedHandler {
  return async ({ identity }) => {
    const policy = policyInForce()
    const known = await catalog.listRepositories()
    const readable = known.filter(({ name }) => policy.actionsOf(identity, name).includes('read'))
    const repositories = []
    // One after the other: each is a look into the catalog, which others wait for as well.
    for (const { name, revision, changedAt } of readable) {
      const counts = await countCharts({ catalog }, policy.authorise(identity, 'read', name))
      repositories.push({ name, revision, changedAt: changedAt.toISOString(), ...counts })
    }
    return jsonReply(200, { repositories }, { headers: { 'cache-control': 'no-store' } })
  }
}
