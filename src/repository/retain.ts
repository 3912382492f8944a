import { type Actor, type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { requireWritable } from './admission.ts'
import { requireRepository } from './require-repository.ts'
import { findSurplus, type Retention, type Surplus } from './retention.ts'
import { type SettingsOf } from './settings.ts'

export interface RetainDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

export interface RetainRequest {
  /** Every repository that has a retention and is not read-only, unless given. */
  readonly repository?: RepositoryName
  /** `rehearse`: nothing is changed. */
  readonly effect: 'withdraw' | 'rehearse'
  readonly actor: Actor
}

/** Others publish and delete meanwhile: after so many withdrawals, each a change of its own, a chart is judged anew. */
const BATCH = 100

/**
 * Withdraws what the repositories' retention lets go, and gives each version with the reason, which is in the audit
 * trail too. A run that was broken off is simply run again. Throws `repository-unknown`, `read-only`, and
 * `request-invalid` for a repository without a retention.
 */
export async function* retain(
  deps: RetainDeps,
  request: RetainRequest,
): AsyncIterable<Surplus<VersionRecord>> {
  for (const { repository, retention } of await findRetentions(deps, request.repository)) {
    for (const { name } of await deps.catalog.countVersions(repository)) {
      yield* retainChart(deps, request, { repository, retention, name })
    }
  }
}

interface Kept {
  readonly repository: RepositoryName
  readonly retention: Retention
}

async function findRetentions(
  { catalog, settingsOf }: RetainDeps,
  repository: RepositoryName | undefined,
): Promise<readonly Kept[]> {
  if (repository === undefined) {
    const names = (await catalog.listRepositories()).map(({ name }) => name)
    return names.flatMap((name) => {
      const { retention, access, virtual } = settingsOf(name)
      return retention === undefined || access === 'read-only' || virtual !== undefined
        ? []
        : [{ repository: name, retention }]
    })
  }
  await requireRepository(catalog, repository)
  requireWritable(settingsOf, repository)
  const { retention } = settingsOf(repository)
  if (retention !== undefined) return [{ repository, retention }]
  throw new AppError(
    'request-invalid',
    `${describeRepository(repository)} has no retention in the configuration`,
  )
}

async function* retainChart(
  { catalog }: RetainDeps,
  { effect, actor }: RetainRequest,
  { repository, retention, name }: Kept & { readonly name: ChartName },
): AsyncIterable<Surplus<VersionRecord>> {
  for (;;) {
    const surplus = findSurplus(await catalog.listVersions(repository, name), retention, actor.at)
    if (effect === 'rehearse') yield* surplus
    if (effect === 'rehearse' || surplus.length === 0) return
    for (const { version, reason } of surplus.slice(0, BATCH)) {
      const by = { ...actor, detail: `retention: ${reason}` }
      const withdrawn = await catalog.withdrawVersion(version, by)
      if (withdrawn !== undefined) yield { version: withdrawn, reason }
    }
  }
}
