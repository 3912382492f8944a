import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'

export interface VersionId {
  readonly repository: RepositoryName
  readonly name: ChartName
  readonly version: ChartVersion
}

/** Who does something, from where and in which request: what the audit row of a change says. */
export interface Actor {
  readonly who: string
  readonly from: string
  readonly requestId: string
  readonly at: Date
  /** How or why, where the action itself does not tell. */
  readonly detail?: string
}
