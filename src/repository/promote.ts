import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { type Actor, type VersionRecord } from '../catalog/catalog.ts'
import { archiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type Digest } from '../chart/digest.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { keepOtherSignatures } from '../provenance/keep-other-signatures.ts'
import { type Force } from './overwrite.ts'
import { type OfferedVersions } from './offered-versions.ts'
import { admitPublish, publish, type PublishDeps, type PublishOutcome } from './publish.ts'
import { openBlob, readBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'
import { type RepositorySettings } from './settings.ts'

export interface PromoteDeps extends PublishDeps {
  /** What a mirror has not fetched yet cannot be promoted without it. */
  readonly offered?: OfferedVersions
}

export interface PromoteRequest {
  /** For the repository that gets the version. */
  readonly authorisation: Authorisation<'publish'>
  /** For the one that has it, of the same identity. */
  readonly source: Authorisation<'read'>
  readonly name: ChartName
  readonly version: ChartVersion
  readonly force: Force
  readonly actor: Actor
}

/**
 * Publishes a version of one repository in another, by every rule of that one: the same archive, with its publishers'
 * signatures, and the other repository's own in place of the first one's. Done again, it changes nothing. Throws
 * `chart-unknown`, and what `publish` throws.
 */
export async function promote(deps: PromoteDeps, request: PromoteRequest): Promise<PublishOutcome> {
  const { authorisation, source, force, actor } = request
  requireTwoRepositories(request)
  source.requireChart(request.name)
  authorisation.requireChart(request.name)
  await admitPublish(deps, authorisation)
  const promoted = await getVersion(deps, request)
  const provenance = await publishersFile(deps, request, promoted)
  return publish(deps, {
    authorisation,
    archive: storedArchive(deps.blobs, promoted),
    reading: promoted.reading,
    force,
    actor: { ...actor, detail: `promoted from ${describeRepository(source.repository)}` },
    ...(provenance && { provenance }),
  })
}

function requireTwoRepositories({ authorisation, source }: PromoteRequest): void {
  if (authorisation.repository !== source.repository) return
  const name = describeRepository(source.repository)
  throw new AppError('request-invalid', `${name} cannot be promoted into itself: name another repository`)
}

async function getVersion(
  { catalog, offered }: PromoteDeps,
  { source, name, version, actor }: PromoteRequest,
): Promise<VersionRecord> {
  const { repository } = source
  const id = { repository, name, version }
  const stored = await catalog.findVersion(id)
  if (stored !== undefined) return stored
  const brought = await offered?.bring(source, archiveFilename(name, version), actor)
  const found = brought === 'stored' ? await catalog.findVersion(id) : undefined
  if (found !== undefined) return found
  await requireRepository(catalog, repository)
  throw new AppError(
    'chart-unknown',
    `there is no ${name} ${version} in ${describeRepository(repository)} to promote`,
  )
}

/** What the publishers sent, as if they sent it again; `undefined` where nobody but the server has signed. */
async function publishersFile(
  { blobs, settingsOf }: PublishDeps,
  { authorisation: { repository }, source }: PromoteRequest,
  { name, version, provenance }: VersionRecord,
): Promise<Buffer | undefined> {
  const stored = await readBlob(blobs, provenance.digest)
  requireDigest(createHash('sha256').update(stored), provenance.digest)
  const settings = settingsOf(repository)
  const text = await keepOtherSignatures(stored, serverKeyIds(settingsOf(source.repository), settings))
  if (text !== undefined) return Buffer.from(text)
  if (settings.provenance === 'optional') return undefined
  throw new AppError(
    'provenance-required',
    `${describeRepository(repository)} takes no chart without its publisher's provenance file, ` +
      `and ${name} ${version} has none in ${describeRepository(source.repository)}`,
  )
}

/**
 * Whose signatures spoke for the one repository and do not for the other. A key that either trusts is a publisher's,
 * and so is the key that the first one signs with, where the other trusts it: it may demand what that has passed.
 */
function serverKeyIds(from: RepositorySettings, to: RepositorySettings): ReadonlySet<string> {
  const spoke = from.signingKey.publicKeyring.merge(from.publicKeyring.without(from.trustedKeyring))
  return new Set([...spoke.without(to.trustedKeyring).keyIds, ...to.signingKey.publicKeyring.keyIds])
}

/** A blob that is there already, as a publish takes it. Nothing of it is copied, and there is nothing to discard. */
function storedArchive(blobs: BlobStore, { digest, size }: VersionRecord): StagedBlob {
  return {
    digest,
    size,
    open: () => Readable.from(readStored(blobs, digest), { objectMode: false }),
    // The publish has noted by now what gc knows of the blob: gone after this look, it is missed at the recording.
    commit: async () => {
      const stream = await blobs.open(digest)
      if (stream === undefined) {
        throw new AppError('unavailable', 'the version was being removed meanwhile; try again')
      }
      stream.destroy()
    },
    discard: () => Promise.resolve(),
  }
}

async function* readStored(blobs: BlobStore, digest: Digest): AsyncIterable<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of (await openBlob(blobs, digest)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  requireDigest(hash, digest)
}

/** What is published and signed is what was recorded, and not what somebody has put in its place. */
function requireDigest(hash: Hash, digest: Digest): void {
  if (hash.digest('hex') === digest) return
  throw new AppError('blob-missing', `the catalog names a blob that is damaged: ${digest}`)
}
