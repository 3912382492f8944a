import { type VersionId } from '../../catalog/catalog.ts'
import { parseChartName } from '../../chart/name.ts'
import { parseChartVersion } from '../../chart/version.ts'
import { type Authorisation } from '../../policy/policy.ts'
import { param, type RouteParams } from '../exchange.ts'

/** The version that `…/charts/:name/:version` names. Throws `chart-invalid`. */
export function versionIdOf(authorisation: Authorisation, params: RouteParams): VersionId {
  return {
    repository: authorisation.repository,
    name: parseChartName(param(params, 'name')),
    version: parseChartVersion(param(params, 'version')),
  }
}
