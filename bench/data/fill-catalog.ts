import { createHash } from 'node:crypto'
import { catalogFileOf } from '../../src/app/stores.ts'
import { type Actor, type NewVersion } from '../../src/catalog/catalog.ts'
import { type Writer } from '../../src/catalog/sqlite-connection.ts'
import { openWriter } from '../../src/catalog/sqlite-file.ts'
import { recordVersion } from '../../src/catalog/sqlite-record.ts'
import { WriteQueue } from '../../src/catalog/write-queue.ts'
import { type Digest, parseDigest } from '../../src/chart/digest.ts'
import { archiveFilename } from '../../src/chart/filename.ts'
import { type ChartMetadata } from '../../src/chart/metadata.ts'
import { type RepositoryName } from '../../src/chart/repository-name.ts'
import { renderEntry } from '../../src/repoindex/entry.ts'

export interface Filling {
  readonly storage: string
  readonly repository: RepositoryName
  readonly versions: Iterable<ChartMetadata>
}

/** A transaction each: so many at a time are fast, and the write-ahead log stays small. */
const BATCH = 2000

const FIRST_PUBLISH = Date.parse('2024-01-01T00:00:00Z')
const BETWEEN_PUBLISHES_MS = 600_000

/**
 * Versions as the catalog has them once they are published, without their bytes: what reads the index or publishes does
 * not touch the archives of others. The server does not run yet.
 */
export async function fillCatalog({ storage, repository, versions }: Filling): Promise<number> {
  const writes = new WriteQueue(await openWriter(catalogFileOf(storage)))
  const iterator = versions[Symbol.iterator]()
  let recorded = 0
  try {
    for (;;) {
      const before = recorded
      const batch = Array.from({ length: BATCH }, () => iterator.next()).flatMap(({ done, value }) =>
        done === true ? [] : [value],
      )
      await writes.write((tx) => {
        for (const metadata of batch) {
          record(tx, repository, metadata, recorded)
          recorded += 1
        }
      })
      if (recorded === before) return recorded
    }
  } finally {
    await writes.close()
  }
}

function record(tx: Writer, repository: RepositoryName, metadata: ChartMetadata, count: number): void {
  const by: Actor = {
    who: 'bench',
    from: 'local',
    requestId: 'bench',
    at: new Date(FIRST_PUBLISH + count * BETWEEN_PUBLISHES_MS),
  }
  const { outcome } = recordVersion(tx, { version: versionOf(repository, metadata, by.at), rules: RULES, by })
  if (outcome !== 'created')
    throw new Error(`${metadata.name} ${metadata.version} was not recorded: ${outcome}`)
}

const RULES = {
  onOtherContent: 'refuse',
  tombstones: 'keep',
  sameMembers: 'same',
  onUnknownRepository: 'create',
} as const

function versionOf(repository: RepositoryName, metadata: ChartMetadata, createdAt: Date): NewVersion {
  const { name, version } = metadata
  const filename = archiveFilename(name, version)
  const digest = digestOf(`${repository} ${filename}`)
  return {
    repository,
    name,
    version,
    filename,
    digest,
    size: 30_000,
    contentDigest: digestOf(`members of ${repository} ${filename}`),
    reading: 'strict',
    fragment: renderEntry(metadata, { filename, digest, createdAt }),
    provenance: { digest: digestOf(`provenance of ${repository} ${filename}`), size: 1500, origin: 'server' },
    seenBlobs: new Map<Digest, number>(),
  }
}

function digestOf(text: string): Digest {
  return parseDigest(createHash('sha256').update(text).digest('hex'))
}
