import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type ArchiveReading, readChartArchive, type ChartArchive } from '../chart/archive.ts'
import { archiveFilename } from '../chart/filename.ts'
import { describeRepository } from '../chart/repository-name.ts'
import {
  type Actor,
  type Catalog,
  type NewProvenance,
  type RecordOutcome,
  type RecordRules,
  type VersionId,
  type VersionRecord,
  type Withheld,
} from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { renderEntry } from '../repoindex/entry.ts'
import {
  purged,
  quotaExceeded,
  refusePurged,
  requireRoom,
  requireUploads,
  requireWritable,
} from './admission.ts'
import { attachProvenance } from './attach-provenance.ts'
import { countersign, prepareProvenance, stageProvenance } from './prepare-provenance.ts'
import { mayOverwrite, refuseOtherContent, type Force } from './overwrite.ts'
import { type RepositorySettings, type SettingsOf } from './settings.ts'

export interface PublishDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
  /** Reads uploaded archives as `readChartArchive` does, which it is unless given. */
  readonly archives?: ArchiveLoader
}

interface ArchiveLoader {
  read(archive: Pick<StagedBlob, 'open' | 'size'>, reading: ArchiveReading): Promise<ChartArchive>
}

const IN_THIS_THREAD: ArchiveLoader = {
  read: async (archive, reading) => readChartArchive(archive.open(), reading),
}

export interface PublishRequest {
  readonly authorisation: Authorisation<'publish'>
  /** The uploaded bytes; the caller discards them, whatever the outcome. */
  readonly archive: StagedBlob
  /** The provenance file that came along. */
  readonly provenance?: Buffer
  /** Whose it is: a publisher's, unless another Chartroom has made it and is being copied. */
  readonly provenanceOrigin?: NewProvenance['origin']
  /** How the archive is read: strictly, unless given. */
  readonly reading?: ArchiveReading
  /** When the version came into being, for the index: now, unless given. */
  readonly createdAt?: Date
  readonly force: Force
  /** `required`: it comes from an upstream, and must be on offer still when it is recorded. */
  readonly offer?: RecordRules['offer']
  readonly actor: Actor
}

export interface PublishOutcome {
  readonly outcome: 'created' | 'replaced' | 'unchanged'
  readonly version: VersionRecord
}

/**
 * What can be said before the upload is read: an unknown repository is only made by an identity that holds `create`
 * on its path, so that none is born from a typo. Throws `repository-unknown`, `read-only`, and `not-allowed` for a mirror.
 */
export async function admitPublish(
  { catalog, settingsOf }: Pick<PublishDeps, 'catalog' | 'settingsOf'>,
  authorisation: Authorisation<'publish'>,
): Promise<void> {
  const { repository } = authorisation
  requireWritable(settingsOf, repository)
  requireUploads(settingsOf, repository)
  if (authorisation.allows('create') || (await catalog.findRepository(repository)) !== undefined) return
  throw repositoryUnknown(authorisation)
}

/**
 * Makes an uploaded archive a version of its repository. When it resolves, every later request sees the chart, its
 * provenance and its index entry; when it throws, or the process dies, nobody sees any of it.
 */
export async function publish(deps: PublishDeps, request: PublishRequest): Promise<PublishOutcome> {
  const { id, chart, rules } = await examine(deps, request)
  const known = await findUnchanged(deps, request, id, chart, rules)
  if (known !== undefined) await auditUnchanged(deps, request, id)
  const outcome = known ?? (await record(deps, request, chart, rules))
  if (outcome.outcome !== 'unchanged' || request.provenance === undefined) return outcome
  const version = await attachProvenance(deps, { ...request, id, provenance: request.provenance })
  return { outcome: 'unchanged', version: version.version }
}

/**
 * What `publish` would do, as far as that can be told without changing anything; throws what it would throw. Between
 * this and the publish, others may change what it depends on.
 */
export async function rehearsePublish(
  deps: PublishDeps,
  request: PublishRequest,
): Promise<'created' | 'unchanged'> {
  await admitPublish(deps, request.authorisation)
  const { id, chart, rules } = await examine(deps, request)
  const filename = archiveFilename(id.name, id.version)
  const known = await findUnchanged(deps, request, id, chart, rules)
  if (known !== undefined && request.provenance === undefined) return 'unchanged'
  const owner = await deps.catalog.findByFilename(id.repository, filename)
  if (owner !== undefined && owner.name !== id.name) throw filenameTaken(id, owner)
  if (known === undefined) await requireRoom(deps.catalog, id, request.archive.size, rules.quota)
  if (request.provenance !== undefined) {
    const subject = { filename, digest: request.archive.digest }
    await countersign(deps.settingsOf(id.repository), subject, request.provenance)
  }
  return known === undefined ? 'created' : 'unchanged'
}

interface Examined {
  readonly id: VersionId
  readonly chart: ChartArchive
  readonly rules: RecordRules
}

/** Everything that the archive itself and the grants decide. */
async function examine(deps: PublishDeps, request: PublishRequest): Promise<Examined> {
  requireWritable(deps.settingsOf, request.authorisation.repository)
  const { archives = IN_THIS_THREAD } = deps
  const chart = await archives.read(request.archive, request.reading ?? 'strict')
  const id = { repository: request.authorisation.repository, ...chart.metadata }
  request.authorisation.requireChart(id.name)
  requireOciName(id)
  requireProvenance(deps, request)
  await refusePurged(deps.catalog, id, { ...chart, digest: request.archive.digest })
  return { id, chart, rules: rulesFor(deps, request, id) }
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

function requireProvenance({ settingsOf }: PublishDeps, request: PublishRequest): void {
  const { repository } = request.authorisation
  if (request.provenance !== undefined || settingsOf(repository).provenance === 'optional') return
  throw new AppError(
    'provenance-required',
    `${describeRepository(repository)} takes no chart without its provenance file; send both in one form`,
  )
}

function rulesFor(deps: PublishDeps, request: PublishRequest, id: VersionId): RecordRules {
  const { authorisation, force } = request
  const { overwrite, tombstones, quota } = deps.settingsOf(id.repository)
  return {
    tombstones,
    quota,
    offer: request.offer,
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
  const isReleased = known.withdrawn && rules.tombstones === 'release'
  if (!sameContent && rules.onOtherContent === 'refuse' && !isReleased) {
    throw refuseOtherContent(
      request.authorisation,
      id,
      known,
      settingsOf(id.repository).overwrite,
      request.force,
    )
  }
  const version = sameContent && !known.withdrawn ? await catalog.findVersion(id) : undefined
  return version && { outcome: 'unchanged', version }
}

async function auditUnchanged(
  { catalog }: PublishDeps,
  { actor }: PublishRequest,
  { repository, name: chart, version }: VersionId,
): Promise<void> {
  await catalog.appendAudit({
    ...actor,
    action: 'publish',
    outcome: 'unchanged',
    repository,
    chart,
    version,
  })
}

async function record(
  { catalog, blobs, settingsOf }: PublishDeps,
  request: PublishRequest,
  { metadata, contentDigest }: ChartArchive,
  rules: RecordRules,
): Promise<PublishOutcome> {
  const { archive, actor, authorisation, reading = 'strict', createdAt = actor.at } = request
  const { repository } = authorisation
  const settings = settingsOf(repository)
  const filename = archiveFilename(metadata.name, metadata.version)
  await requireRoom(catalog, { repository, ...metadata }, archive.size, rules.quota)
  const made = await prepareProvenance(settings, {
    metadata,
    filename,
    digest: archive.digest,
    sent: request.provenance,
    sentOrigin: request.provenanceOrigin ?? 'publisher',
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
        reading,
        fragment: renderEntry(metadata, { filename, digest: archive.digest, createdAt }),
        provenance: { digest: provenance.digest, size: provenance.size, origin: made.origin },
        seenBlobs,
      },
      rules,
      actor,
    )
    return acceptOutcome(outcome, request, { repository, ...metadata }, settings)
  } finally {
    await discardAtEnd(provenance)
  }
}

function acceptOutcome(
  outcome: RecordOutcome,
  request: PublishRequest,
  id: VersionId,
  { overwrite, quota = {} }: RepositorySettings,
): PublishOutcome {
  switch (outcome.outcome) {
    case 'created':
    case 'replaced':
    case 'unchanged':
      return outcome
    case 'exists':
      throw refuseOtherContent(request.authorisation, id, outcome, overwrite, request.force)
    case 'filename-taken':
      throw filenameTaken(id, outcome)
    case 'repository-unknown':
      throw repositoryUnknown(request.authorisation)
    case 'quota-exceeded':
      throw quotaExceeded(id.repository, quota, outcome)
    case 'purged':
      throw purged(id)
    case 'withheld':
      throw new AppError('chart-unknown', WITHHELD[outcome.why])
    case 'blob-moved':
      throw new AppError('unavailable', 'garbage collection was removing the same bytes; try again')
  }
}

const WITHHELD: Readonly<Record<Withheld, string>> = {
  deleted: 'it was deleted here',
  gone: 'the upstream has it no more',
  held: 'it is held back',
  rejected: 'it was rejected by an administrator',
}

function filenameTaken(id: VersionId, { name, version }: Pick<VersionId, 'name' | 'version'>): AppError {
  const filename = archiveFilename(id.name, id.version)
  return new AppError('chart-exists', `its file name ${filename} is that of chart ${name} version ${version}`)
}

function repositoryUnknown(authorisation: Authorisation): AppError {
  const name = describeRepository(authorisation.repository)
  return new AppError('repository-unknown', `there is no repository ${name}, and you may not create it`)
}
