import { type Actor, type VersionRecord } from '../catalog/catalog.ts'
import { ARCHIVE_SUFFIX, findArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { parseVersionConstraint } from '../chart/version-constraint.ts'
import { parseChartVersion, type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { quoted } from '../text.ts'
import { listVersions, type ListDeps, type ListedVersion } from './list-versions.ts'

const LATEST = 'latest'
/** Every release, and no pre-release. */
const ANY_RELEASE = '*'

/**
 * The version of a chart that somebody means: the one with this text, else the newest that satisfies the constraint, as
 * Helm's `IndexFile.Get` finds it; the newest release for `latest`. Throws `chart-unknown`.
 */
export async function resolveVersion(
  deps: ListDeps,
  authorisation: Authorisation<'read'>,
  name: ChartName,
  wanted: string,
): Promise<ListedVersion> {
  authorisation.requireChart(name)
  const version = findVersionText(wanted)
  const { repository } = authorisation
  const exact = version && (await deps.catalog.findVersion({ repository, name, version }))
  if (exact !== undefined) return exact
  const filename = version && findArchiveFilename(`${name}-${version}${ARCHIVE_SUFFIX}`)
  if (filename !== undefined) await deps.offered.refuseWithheld(repository, filename)
  return findNewest(await listVersions(deps, authorisation, name), name, wanted)
}

/** The same, where its files are needed: a mirror fetches it, if it has to. Throws what fetching throws, too. */
export async function resolveStoredVersion(
  deps: ListDeps,
  authorisation: Authorisation<'read'>,
  { name, wanted, actor }: { readonly name: ChartName; readonly wanted: string; readonly actor: Actor },
): Promise<VersionRecord> {
  const listed = await resolveVersion(deps, authorisation, name, wanted)
  if ('provenance' in listed) return listed
  await deps.offered.bring(authorisation, listed.filename, actor)
  const brought = await deps.catalog.findVersion(listed)
  if (brought !== undefined) return brought
  throw new AppError('chart-unknown', `there is no ${name} ${quoted(wanted)} here`)
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

function findNewest(versions: readonly ListedVersion[], name: ChartName, wanted: string): ListedVersion {
  const satisfies = parseVersionConstraint(wanted === LATEST ? ANY_RELEASE : wanted)
  const found = versions.find(({ version }) => satisfies(version))
  if (found !== undefined) return found
  if (wanted === LATEST) throw new AppError('chart-unknown', `there is no ${name} here but pre-releases`)
  throw new AppError('chart-unknown', `there is no ${name} ${quoted(wanted)} here`)
}
