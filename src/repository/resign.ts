import { createHash } from 'node:crypto'
import { type BlobStore } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type Actor, type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { Keyring } from '../provenance/keyring.ts'
import { verifyProvenance } from '../provenance/verify.ts'
import { stageProvenance } from './prepare-provenance.ts'
import { readBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'
import { findRetiredKeys, type RetiredIn, type SignedBy } from './retired-keys.ts'
import { type SettingsOf } from './settings.ts'

export interface ResignDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
}

export interface ResignRequest {
  readonly signedBy: SignedBy
  /** Every repository, unless given. */
  readonly repository?: RepositoryName
  readonly actor: Actor
}

export type ResignFinding =
  | { readonly version: VersionRecord; readonly outcome: 'resigned' | 'unchanged' }
  | { readonly version: VersionRecord; readonly outcome: 'failed'; readonly problem: string }

/** Signing is for one core, making durable for the disk: some at a time keep both busy. */
const AT_ONCE = 8

/** A version that changes while it is signed anew is looked at again; nothing changes that often. */
const MOST_ATTEMPTS = 5

/**
 * Gives versions a new provenance by the key in force: the same text and publishers' signatures, ours in front, those
 * of retired keys gone. For one retired key, every version that carries its signature; for all, every version that
 * carries one of theirs or none of ours. Each version is one change: a run that was broken off is simply run again, and
 * a second run finds nothing to do. Throws `request-invalid`, `repository-unknown`, and what concerns no single version.
 */
export async function* resign(deps: ResignDeps, request: ResignRequest): AsyncIterable<ResignFinding> {
  const { repository, signedBy, actor } = request
  if (repository !== undefined) await requireRepository(deps.catalog, repository)
  const plan = { signedBy, actor, retiredIn: await findRetiredKeys(deps, signedBy, repository) }
  let batch: VersionRecord[] = []
  for await (const version of deps.catalog.listAllVersions()) {
    if (repository !== undefined && version.repository !== repository) continue
    batch.push(version)
    if (batch.length < AT_ONCE) continue
    yield* await resignBatch(deps, plan, batch)
    batch = []
  }
  yield* await resignBatch(deps, plan, batch)
}

interface Plan {
  readonly signedBy: SignedBy
  readonly retiredIn: RetiredIn
  readonly actor: Actor
}

/** Rejects only when nothing of the batch is under way any more: the caller may then close the stores. */
async function resignBatch(
  deps: ResignDeps,
  plan: Plan,
  batch: readonly VersionRecord[],
): Promise<readonly ResignFinding[]> {
  const findings = batch.map((version) => resignVersion(deps, plan, version))
  await Promise.allSettled(findings)
  return Promise.all(findings)
}

/** What is wrong with one version's files, and no reason to leave the others as they are. */
const PROBLEMS: ReadonlySet<ErrorCode> = new Set([
  'blob-missing',
  'digest-mismatch',
  'provenance-invalid',
  'signature-bad',
  'too-large',
])

async function resignVersion(deps: ResignDeps, plan: Plan, listed: VersionRecord): Promise<ResignFinding> {
  let version: VersionRecord | undefined = listed
  try {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      // Withdrawn meanwhile: nobody is served its provenance.
      if (version === undefined) return { version: listed, outcome: 'unchanged' }
      const text = await signAnew(deps, plan, version)
      if (text === undefined) return { version, outcome: 'unchanged' }
      if (await replace(deps, plan.actor, version, text)) return { version, outcome: 'resigned' }
      version = await deps.catalog.findVersion(listed)
    }
  } catch (error) {
    if (!(error instanceof AppError) || !PROBLEMS.has(error.code)) throw error
    return { version: listed, outcome: 'failed', problem: error.message }
  }
  return { version: listed, outcome: 'failed', problem: 'it was changing all the time; run this again' }
}

/** The file that is to be served; `undefined` when it is. */
async function signAnew(
  { blobs, settingsOf }: ResignDeps,
  { signedBy, retiredIn }: Plan,
  { repository, filename, digest, provenance }: VersionRecord,
): Promise<string | undefined> {
  const stored = await readBlob(blobs, provenance.digest)
  requireDigest(stored, provenance.digest)
  const { signers } = await verifyProvenance({
    provenance: stored,
    filename,
    digest,
    trusted: Keyring.empty(),
  })
  const retired = retiredIn(repository)
  if (signedBy.kind === 'key' && !signers.some(({ keyId }) => retired.has(keyId))) return undefined
  const text = await settingsOf(repository).signingKey.resign(stored, retired)
  return stored.equals(Buffer.from(text)) ? undefined : text
}

/** What is signed is what was recorded, and not what somebody has put in its place. */
function requireDigest(bytes: Buffer, digest: string): void {
  if (createHash('sha256').update(bytes).digest('hex') === digest) return
  throw new AppError('digest-mismatch', `the provenance does not hash to ${digest}`)
}

/** Whether it was done: not when the version, or its blob's place, has changed meanwhile. */
async function replace(
  { catalog, blobs }: ResignDeps,
  actor: Actor,
  version: VersionRecord,
  text: string,
): Promise<boolean> {
  const staged = await stageProvenance(blobs, text)
  try {
    const seenBlobs = await catalog.markBlobs([staged.digest])
    await staged.commit()
    const { origin } = version.provenance
    const provenance = { digest: staged.digest, size: staged.size, origin }
    // A publisher may have sent a signature since; it must not get lost.
    const now = await catalog.findVersion(version)
    if (now?.provenance.digest !== version.provenance.digest) return false
    const outcome = await catalog.replaceProvenance(version, version.digest, provenance, seenBlobs, actor)
    return outcome === 'replaced' || outcome === 'unchanged'
  } finally {
    await discardAtEnd(staged)
  }
}
