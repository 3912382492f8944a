import { type Readable } from 'node:stream'
import { type StagedBlob } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type Actor, type NewProvenance, type VersionRecord } from '../catalog/catalog.ts'
import { type ArchiveReading } from '../chart/archive.ts'
import { type Digest } from '../chart/digest.ts'
import { findArchiveFilename } from '../chart/filename.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { carriesSignaturesOf } from '../provenance/verify.ts'
import { requireUploads } from './admission.ts'
import { publish, rehearsePublish, type PublishDeps, type PublishRequest } from './publish.ts'
import { readBlob } from './read-blob.ts'

/** A packaged chart of another repository. */
export interface ImportPackage {
  /** Where it is from, for the report: a path or a URL. */
  readonly source: string
  /** Where it goes. */
  readonly repository: RepositoryName
  /** By which what is here already is found without reading the archive. */
  readonly filename: string
  readonly createdAt?: Date
  /** What the source says of the archive; it must be so. */
  readonly digest?: Digest
  /** Whose the provenance is; a publisher's, unless the source says so. */
  readonly provenanceOrigin?: NewProvenance['origin']
  /** Called before `open`. `undefined` when there is none. */
  readonly readProvenance: () => Promise<Buffer | undefined>
  readonly open: () => Promise<Readable>
  /** Called at the end, whether it was opened or not. */
  readonly close: () => void
}

export interface ImportRules {
  /** `lenient`: what the strict reading refuses is read as Helm does, and marked. */
  readonly reading: ArchiveReading
  readonly onUnknownRepository: 'refuse' | 'create'
  /** `rehearse`: nothing is changed. */
  readonly effect: 'import' | 'rehearse'
  /** Of one archive. */
  readonly maxBytes: number
  readonly actor: Actor
}

export interface ImportFinding {
  readonly source: string
  readonly repository: RepositoryName
  readonly outcome: 'created' | 'unchanged' | 'refused'
  readonly reading: ArchiveReading
  /** Why it was refused, or not taken strictly. */
  readonly reason?: string
}

/** What concerns the whole import and not one package. */
const FATAL: ReadonlySet<ErrorCode> = new Set([
  'blob-missing',
  'config-invalid',
  'key-unusable',
  'request-aborted',
  'storage-full',
])

/**
 * Publishes a package of another repository by the rules of any publish, on the operator's behalf: nothing is ever
 * overwritten. Done again, it finds everything `unchanged`. A refusal is a finding, in the audit trail too.
 */
export async function importPackage(
  deps: PublishDeps,
  pack: ImportPackage,
  rules: ImportRules,
): Promise<ImportFinding> {
  const { source, repository } = pack
  try {
    return { source, repository, ...(await take(deps, pack, rules)) }
  } catch (error) {
    if (!(error instanceof AppError) || FATAL.has(error.code)) throw error
    if (rules.effect === 'import') await auditRefusal(deps, pack, rules, error.message)
    return { source, repository, outcome: 'refused', reading: 'strict', reason: error.message }
  } finally {
    pack.close()
  }
}

type Taken = Pick<ImportFinding, 'outcome' | 'reading' | 'reason'>

async function take(deps: PublishDeps, pack: ImportPackage, rules: ImportRules): Promise<Taken> {
  requireUploads(deps.settingsOf, pack.repository)
  const provenance = await pack.readProvenance()
  const known = pack.digest && (await findSame(deps, pack, pack.digest, provenance))
  if (known) return { outcome: 'unchanged', reading: known.reading }
  const staged = await deps.blobs.stage(await pack.open(), rules.maxBytes)
  try {
    requireDigest(staged, pack.digest)
    const same = await findSame(deps, pack, staged.digest, provenance)
    if (same !== undefined) return { outcome: 'unchanged', reading: same.reading }
    return await publishByReading(deps, requestFor(pack, rules, staged, provenance), rules)
  } finally {
    await discardAtEnd(staged)
  }
}

/** The version that has these bytes and signatures. One that another server has made for itself is not missed. */
async function findSame(
  { catalog, blobs }: PublishDeps,
  pack: ImportPackage,
  digest: Digest,
  provenance: Buffer | undefined,
): Promise<VersionRecord | undefined> {
  const filename = findArchiveFilename(pack.filename)
  const version = filename && (await catalog.findByFilename(pack.repository, filename))
  if (version?.digest !== digest) return undefined
  if (provenance === undefined || pack.provenanceOrigin === 'server') return version
  const stored = await readBlob(blobs, version.provenance.digest)
  return (await carriesSignaturesOf(stored, provenance)) ? version : undefined
}

function requireDigest({ digest }: StagedBlob, expected: Digest | undefined): void {
  if (expected === undefined || digest === expected) return
  throw new AppError('digest-mismatch', `the archive has the digest ${digest}, and should have ${expected}`)
}

function requestFor(
  pack: ImportPackage,
  { onUnknownRepository, actor }: ImportRules,
  archive: StagedBlob,
  provenance: Buffer | undefined,
): PublishRequest {
  const { repository, createdAt, provenanceOrigin } = pack
  const besides = onUnknownRepository === 'create' ? (['create'] as const) : []
  return {
    authorisation: operatorAuthorisation('publish', repository, besides),
    archive,
    force: 'unforced',
    actor,
    ...(provenance && { provenance }),
    ...(createdAt && { createdAt }),
    ...(provenanceOrigin && { provenanceOrigin }),
  }
}

/** Strictly where that is possible: only what needs it is marked. */
export async function publishByReading(
  deps: PublishDeps,
  request: PublishRequest,
  { reading, effect }: Pick<ImportRules, 'reading' | 'effect'>,
): Promise<Taken> {
  const attempt = async (as: ArchiveReading): Promise<'created' | 'unchanged'> => {
    if (effect === 'rehearse') return rehearsePublish(deps, { ...request, reading: as })
    const { outcome } = await publish(deps, { ...request, reading: as })
    return outcome === 'unchanged' ? 'unchanged' : 'created'
  }
  try {
    return { outcome: await attempt('strict'), reading: 'strict' }
  } catch (error) {
    if (reading === 'strict' || !(error instanceof AppError) || error.code !== 'chart-invalid') throw error
    return { outcome: await attempt('lenient'), reading: 'lenient', reason: error.message }
  }
}

async function auditRefusal(
  { catalog }: PublishDeps,
  { repository, source }: ImportPackage,
  { actor }: ImportRules,
  reason: string,
): Promise<void> {
  await catalog.appendAudit({
    ...actor,
    action: 'publish',
    outcome: 'refused',
    repository,
    detail: `import of ${source}: ${reason}`,
  })
}
