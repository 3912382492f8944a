import { type Actor, type VersionId } from '../catalog/catalog.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Authorisation } from '../policy/policy.ts'

/** What a repository lists and does not hold: a mirror's upstreams have it. */
export interface OfferedVersions {
  /** Whether the repository is a mirror. Any other has none of the rest, and pays for nothing. */
  covers(repository: RepositoryName): boolean
  /** Of one chart, in no order. Empty for an unknown chart. */
  list(repository: RepositoryName, name: ChartName): Promise<readonly OfferedVersion[]>
  /** Throws `chart-unknown`, with the reason, for what is offered and cannot be had: it is held back, for one. */
  refuseWithheld(repository: RepositoryName, filename: ArchiveFilename): Promise<void>
  /**
   * Fetches the version whose archive has this file name, or finds that it is here by now. `unknown` where no upstream
   * offers it. The same for a chart that the identity may not read. Throws `chart-unknown` with the
   * reason where it is offered, and cannot be had; and what fetching throws.
   */
  bring(
    authorisation: Authorisation<'read'>,
    filename: ArchiveFilename,
    by: Actor,
  ): Promise<'stored' | 'unknown'>
}

export interface OfferedVersion extends VersionId {
  readonly filename: ArchiveFilename
  /** Its entry in the index. */
  readonly fragment: string
}
