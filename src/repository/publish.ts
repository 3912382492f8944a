import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { readChartArchive, type ChartArchive } from '../chart/archive.ts'
import { archiveFilename } from '../chart/filename.ts'
import { describeRepository } from '../chart/repository-name.ts'
import {
  type Actor,
  type Catalog,
  type RecordOutcome,
  type RecordRules,
  type VersionId,
  type VersionRecord,
} from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { renderEntry } from '../repoindex/entry.ts'
import { attachProvenance } from './attach-provenance.ts'
import { prepareProvenance, stageProvenance } from './prepare-provenance.ts'
import { mayOverwrite, refuseOtherContent, type Force } from './overwrite.ts'
import { type SettingsOf } from './settings.ts'

export interface PublishDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
}

export interface PublishRequest {
  readonly authorisation: Authorisation<'publish'>
  /** The uploaded bytes; the caller discards them, whatever the outcome. */
  readonly archive: StagedBlob
  /** The provenance file that came along. */
  readonly provenance?: Buffer
  readonly force: Force
  readonly actor: Actor
}

export interface PublishOutcome {
  readonly outcome: 'created' | 'replaced' | 'unchanged'
  readonly version: VersionRecord
}

/**
 * What can be said before the upload is read: an unknown repository is only made by an identity that holds `create`
 * on its path, so that none is born from a typo. Throws `repository-unknown`.
 */
export async function admitPublish(
  { catalog }: Pick<PublishDeps, 'catalog'>,
  authorisation: Authorisation<'publish'>,
): Promise<void> {
  const { repository } = authorisation
  if (authorisation.allows('create') || (await catalog.findRepository(repository)) !== undefined) return
  throw repositoryUnknown(authorisation)
}

/**
 * Makes an uploaded archive a version of its repository. When it resolves, every later request sees the chart, its
 * provenance and its index entry; when it throws, or the process dies, nobody sees any of it.
 */
export async function publish(deps: PublishDeps, request: PublishRequest): Promise<PublishOutcome> {
  const chart = await readChartArchive(request.archive.open())
  const id = { repository: request.authorisation.repository, ...chart.metadata }
  request.authorisation.requireChart(id.name)
  requireOciName(id)
  const rules = rulesFor(deps, request, id)
  const outcome =
    (await findUnchanged(deps, request, id, chart, rules)) ?? (await record(deps, request, chart, rules))
  if (outcome.outcome !== 'unchanged' || request.provenance === undefined) return outcome
  const version = await attachProvenance(deps, { ...request, id, provenance: request.provenance })
  return { outcome: 'unchanged', version: version.version }
}

/** The OCI specification's limit for a repository's whole name, of which the chart's is the last segment. */
const LONGEST_OCI_NAME = 255

function requireOciName({ repository, name }: VersionId): void {
  if (repository.length + 1 + name.length <= LONGEST_OCI_NAME) return
  throw new AppError(
    'chart-invalid',
    `repository and chart name together are longer than ${LONGEST_OCI_NAME} characters`,
  )
}

function rulesFor(deps: PublishDeps, request: PublishRequest, id: VersionId): RecordRules {
  const { authorisation, force } = request
  const { overwrite } = deps.settingsOf(id.repository)
  return {
    onOtherContent: mayOverwrite(authorisation, id.name, overwrite, force) ? 'replace' : 'refuse',
    // A provenance file is about exactly these bytes, so only the very same archive can be the same content.
    sameMembers: request.provenance === undefined ? 'same' : 'other',
    onUnknownRepository: authorisation.allows('create', id.name) ? 'create' : 'refuse',
  }
}

/**
 * Answers the common retry, and refuses the common mistake, before anything is signed or stored. The catalog judges
 * again in its transaction.
 */
async function findUnchanged(
  { catalog, settingsOf }: PublishDeps,
  request: PublishRequest,
  id: VersionId,
  chart: ChartArchive,
  rules: RecordRules,
): Promise<PublishOutcome | undefined> {
  const known = await catalog.findTombstone(id)
  if (known === undefined) return undefined
  const sameBytes = known.digest === request.archive.digest
  const sameContent =
    sameBytes || (known.contentDigest === chart.contentDigest && rules.sameMembers === 'same')
  if (!sameContent && rules.onOtherContent === 'refuse') {
    throw refuseOtherContent(
      request.authorisation,
      id,
      known,
      settingsOf(id.repository).overwrite,
      request.force,
    )
  }
  const version = sameContent && !known.withdrawn ? await catalog.findVersion(id) : undefined
  if (version === undefined) return undefined
  await catalog.appendAudit({
    ...request.actor,
    action: 'publish',
    outcome: 'unchanged',
    repository: id.repository,
    chart: id.name,
    version: id.version,
  })
  return { outcome: 'unchanged', version }
}

async function record(
  { catalog, blobs, settingsOf }: PublishDeps,
  request: PublishRequest,
  { metadata, contentDigest }: ChartArchive,
  rules: RecordRules,
): Promise<PublishOutcome> {
  const { archive, actor, authorisation } = request
  const { repository } = authorisation
  const settings = settingsOf(repository)
  const filename = archiveFilename(metadata.name, metadata.version)
  const made = await prepareProvenance(settings, {
    metadata,
    filename,
    digest: archive.digest,
    sent: request.provenance,
  })
  const provenance = await stageProvenance(blobs, made.text)
  try {
    const seenBlobs = await catalog.markBlobs([archive.digest, provenance.digest])
    await archive.commit()
    await provenance.commit()
    const outcome = await catalog.recordVersion(
      {
        repository,
        name: metadata.name,
        version: metadata.version,
        filename,
        digest: archive.digest,
        size: archive.size,
        contentDigest,
        fragment: renderEntry(metadata, { filename, digest: archive.digest, createdAt: actor.at }),
        provenance: { digest: provenance.digest, size: provenance.size, origin: made.origin },
        seenBlobs,
      },
      rules,
      actor,
    )
    return acceptOutcome(outcome, request, { repository, ...metadata }, settings.overwrite)
  } finally {
    await discardAtEnd(provenance)
  }
}

function acceptOutcome(
  outcome: RecordOutcome,
  request: PublishRequest,
  id: VersionId,
  overwrite: 'never' | 'forced' | 'always',
): PublishOutcome {
  switch (outcome.outcome) {
    case 'created':
    case 'replaced':
    case 'unchanged':
      return outcome
    case 'exists':
      throw refuseOtherContent(request.authorisation, id, outcome, overwrite, request.force)
    case 'filename-taken':
      throw new AppError(
        'chart-exists',
        `its file name ${archiveFilename(id.name, id.version)} is that of chart ${outcome.name} version ${outcome.version}`,
      )
    case 'repository-unknown':
      throw repositoryUnknown(request.authorisation)
    case 'blob-moved':
      throw new AppError('unavailable', 'garbage collection was removing the same bytes; try again')
  }
}

function repositoryUnknown(authorisation: Authorisation): AppError {
  const name = describeRepository(authorisation.repository)
  return new AppError('repository-unknown', `there is no repository ${name}, and you may not create it`)
}
