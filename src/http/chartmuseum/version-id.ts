import { type VersionId } from '../../catalog/catalog.ts'
import { parseChartName, type ChartName } from '../../chart/name.ts'
import { parseChartVersion } from '../../chart/version.ts'
import { AppError } from '../../errors.ts'
import { type Authorisation } from '../../policy/policy.ts'
import { quoted } from '../../text.ts'
import { param, type RouteParams } from '../exchange.ts'

/** The chart that `…/charts/:name` names. Throws `chart-unknown` also for what cannot be a chart's name. */
export function chartNameOf(params: RouteParams): ChartName {
  const name = param(params, 'name')
  return orUnknown(() => parseChartName(name), `there is no chart ${quoted(name)} here`)
}

/** The version that `…/charts/:name/:version` names. Throws `chart-unknown` also for what can be none. */
export function versionIdOf({ repository }: Authorisation, params: RouteParams): VersionId {
  const name = chartNameOf(params)
  const version = param(params, 'version')
  return {
    repository,
    name,
    version: orUnknown(() => parseChartVersion(version), `there is no ${name} ${quoted(version)} here`),
  }
}

function orUnknown<T>(parse: () => T, message: string): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof AppError) throw new AppError('chart-unknown', message, { cause: error })
    throw error
  }
}
