import { createHash } from 'node:crypto'
import { type BlobStore } from '../blobs/blob-store.ts'
import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { readChartArchive } from '../chart/archive.ts'
import { type Digest } from '../chart/digest.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { requireKnownSigner, verifyProvenance } from '../provenance/verify.ts'
import { openBlob, readBlob } from './read-blob.ts'
import { type SettingsOf } from './settings.ts'

export interface IntegrityDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
}

export interface IntegrityFinding {
  readonly version: VersionRecord
  /** What does not hold; `undefined` for a version that is whole. */
  readonly problem: string | undefined
}

/** Reads every version's bytes: they exist, hash to their digest, are a chart, and verify with the public keyring. */
export async function* checkIntegrity(deps: IntegrityDeps): AsyncIterable<IntegrityFinding> {
  for await (const version of deps.catalog.listAllVersions()) {
    yield { version, problem: await findProblem(deps, version) }
  }
}

/** `team-a/stable: demo 1.0.0: …`, for the operator. */
export function describeFinding({ version, problem }: IntegrityFinding): string {
  return `${describeRepository(version.repository)}: ${version.name} ${version.version}: ${problem ?? 'whole'}`
}

async function findProblem(deps: IntegrityDeps, version: VersionRecord): Promise<string | undefined> {
  try {
    await checkBytes(deps.blobs, 'archive', version.digest, version.size)
    await checkBytes(deps.blobs, 'provenance', version.provenance.digest, version.provenance.size)
    await checkArchive(deps.blobs, version)
    await checkProvenance(deps, version)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

async function checkBytes(blobs: BlobStore, what: string, digest: Digest, size: number): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of (await openBlob(blobs, digest)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  if (bytes !== size)
    throw new AppError('digest-mismatch', `the ${what} has ${bytes} bytes instead of ${size}`)
  if (hash.digest('hex') !== digest)
    throw new AppError('digest-mismatch', `the ${what} does not hash to ${digest}`)
}

async function checkArchive(blobs: BlobStore, version: VersionRecord): Promise<void> {
  const { contentDigest } = await readChartArchive(await openBlob(blobs, version.digest), version.reading)
  if (contentDigest === version.contentDigest) return
  throw new AppError('digest-mismatch', 'the archive holds other members than were recorded')
}

async function checkProvenance({ blobs, settingsOf }: IntegrityDeps, version: VersionRecord): Promise<void> {
  const verified = await verifyProvenance({
    provenance: await readBlob(blobs, version.provenance.digest),
    filename: version.filename,
    digest: version.digest,
    trusted: settingsOf(version.repository).publicKeyring,
  })
  requireKnownSigner(verified)
}
