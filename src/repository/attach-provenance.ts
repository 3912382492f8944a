import { type BlobStore } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type Actor, type Catalog, type VersionId, type VersionRecord } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { parseProvenance } from '../provenance/message.ts'
import { carriesSignaturesOf } from '../provenance/verify.ts'
import { parseChartName } from '../chart/name.ts'
import { parseChartVersion } from '../chart/version.ts'
import { requireWritable } from './admission.ts'
import { readBlob } from './read-blob.ts'
import { mayOverwrite, type Force } from './overwrite.ts'
import { countersign, stageProvenance } from './prepare-provenance.ts'
import { type SettingsOf } from './settings.ts'

export interface AttachDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
}

export interface AttachRequest {
  readonly authorisation: Authorisation<'publish'>
  readonly id: VersionId
  readonly provenance: Buffer
  readonly force: Force
  readonly actor: Actor
}

export interface AttachOutcome {
  readonly outcome: 'replaced' | 'unchanged'
  readonly version: VersionRecord
}

/** The version that a provenance file sent on its own is about: its metadata says so. Throws `provenance-invalid`. */
export function subjectOf(authorisation: Authorisation<'publish'>, provenance: Buffer): VersionId {
  const { name, version } = parseProvenance(provenance)
  return {
    repository: authorisation.repository,
    name: parseChartName(name),
    version: parseChartVersion(version),
  }
}

/**
 * Adds a publisher's signature to a version that is there already. A provenance file that another publisher has sent
 * stays, unless the repository and the identity's rights allow to overwrite it. Sending the same one again changes
 * nothing.
 */
export async function attachProvenance(deps: AttachDeps, request: AttachRequest): Promise<AttachOutcome> {
  const { authorisation, id } = request
  authorisation.requireChart(id.name)
  requireWritable(deps.settingsOf, id.repository)
  const version = await deps.catalog.findVersion(id)
  if (version === undefined)
    throw new AppError('chart-unknown', `there is no ${id.name} ${id.version} to sign for`)
  const settings = deps.settingsOf(id.repository)
  // Checked first: a file that does not fit its chart is refused even where it would change nothing.
  const text = await countersign(settings, version, request.provenance)
  if (version.provenance.origin === 'publisher') {
    const stored = await readBlob(deps.blobs, version.provenance.digest)
    if (await carriesSignaturesOf(stored, request.provenance)) {
      await auditUnchanged(deps, request)
      return { outcome: 'unchanged', version }
    }
    if (!mayOverwrite(authorisation, id.name, settings.overwrite, request.force)) {
      throw new AppError(
        'chart-exists',
        `${id.name} ${id.version} has another publisher's provenance file already`,
      )
    }
  }
  return store(deps, request, version, text)
}

async function auditUnchanged({ catalog }: AttachDeps, { id, actor }: AttachRequest): Promise<void> {
  const { repository, name: chart, version } = id
  await catalog.appendAudit({
    ...actor,
    action: 'attach-provenance',
    outcome: 'unchanged',
    repository,
    chart,
    version,
  })
}

async function store(
  { catalog, blobs }: AttachDeps,
  { id, actor }: AttachRequest,
  { digest }: VersionRecord,
  text: string,
): Promise<AttachOutcome> {
  const staged = await stageProvenance(blobs, text)
  try {
    const seenBlobs = await catalog.markBlobs([staged.digest])
    await staged.commit()
    const provenance = { digest: staged.digest, size: staged.size, origin: 'publisher' } as const
    const outcome = await catalog.replaceProvenance(id, digest, provenance, seenBlobs, actor)
    const version = await catalog.findVersion(id)
    if (version === undefined || (outcome !== 'replaced' && outcome !== 'unchanged')) {
      throw new AppError('unavailable', `${id.name} ${id.version} was changing meanwhile; try again`)
    }
    return { outcome, version }
  } finally {
    await discardAtEnd(staged)
  }
}
