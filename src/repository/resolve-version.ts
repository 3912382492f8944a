import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { parseVersionConstraint } from '../chart/version-constraint.ts'
import { parseChartVersion, type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { quoted } from '../text.ts'
import { listVersions } from './list-versions.ts'

const LATEST = 'latest'
/** Every release, and no pre-release. */
const ANY_RELEASE = '*'

/**
 * The version of a chart that somebody means: the one with this text, else the newest that satisfies the constraint, as
 * Helm's `IndexFile.Get` finds it; the newest release for `latest`. Throws `chart-unknown`.
 */
export async function resolveVersion(
  deps: { readonly catalog: Catalog },
  authorisation: Authorisation<'read'>,
  name: ChartName,
  wanted: string,
): Promise<VersionRecord> {
  authorisation.requireChart(name)
  const version = findVersionText(wanted)
  const { repository } = authorisation
  const exact = version && (await deps.catalog.findVersion({ repository, name, version }))
  return exact ?? findNewest(await listVersions(deps, authorisation, name), name, wanted)
}

/** Most requests name a version, and then one row is enough. */
function findVersionText(wanted: string): ChartVersion | undefined {
  try {
    return parseChartVersion(wanted)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

function findNewest(versions: readonly VersionRecord[], name: ChartName, wanted: string): VersionRecord {
  const satisfies = parseVersionConstraint(wanted === LATEST ? ANY_RELEASE : wanted)
  const found = versions.find(({ version }) => satisfies(version))
  if (found !== undefined) return found
  if (wanted === LATEST) throw new AppError('chart-unknown', `there is no ${name} here but pre-releases`)
  throw new AppError('chart-unknown', `there is no ${name} ${quoted(wanted)} here`)
}
