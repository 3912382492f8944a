import { createHash } from 'node:crypto'
import {
  type Actor,
  type BlobMarks,
  type NewProvenance,
  type NewVersion,
  type RecordRules,
  type VersionId,
} from '../../src/catalog/catalog.ts'
import { type Digest, parseDigest } from '../../src/chart/digest.ts'
import { archiveFilename } from '../../src/chart/filename.ts'
import { parseChartName } from '../../src/chart/name.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { parseChartVersion } from '../../src/chart/version.ts'

/** Values for the catalog's tests, made from short texts: the same text gives the same digest. */

export const SEEN_NOTHING: BlobMarks = new Map<Digest, number>()

/** The strictest rules, apart from making the repository. */
export const RULES: RecordRules = {
  onOtherContent: 'refuse',
  tombstones: 'keep',
  sameMembers: 'same',
  onUnknownRepository: 'create',
}

export const NOON = new Date('2026-03-04T12:00:00.000Z')

export function minutesAfterNoon(minutes: number): Date {
  return new Date(NOON.getTime() + minutes * 60_000)
}

export function actor(who = 'ci', at = NOON): Actor {
  return { who, from: '192.0.2.7', requestId: `request-of-${who}`, at }
}

export function digestOf(text: string): Digest {
  return parseDigest(createHash('sha256').update(text).digest('hex'))
}

export function versionId(name: string, version: string, repository = 'team-a'): VersionId {
  return {
    repository: parseRepositoryName(repository),
    name: parseChartName(name),
    version: parseChartVersion(version),
  }
}

export function provenanceOf(text: string): NewProvenance {
  return { digest: digestOf(`provenance ${text}`), size: 900, origin: 'server' }
}

export interface Sample {
  /** Stands for the archive's bytes. */
  readonly content?: string
  /** Stands for what is in the archive; by default as different as the bytes. */
  readonly members?: string
  readonly seenBlobs?: BlobMarks
}

export function newVersion(id: VersionId, sample: Sample = {}): NewVersion {
  const { content = `${id.name} ${id.version}`, seenBlobs = SEEN_NOTHING } = sample
  const { members = content } = sample
  return {
    ...id,
    filename: archiveFilename(id.name, id.version),
    digest: digestOf(content),
    size: content.length,
    contentDigest: digestOf(`members ${members}`),
    reading: 'strict',
    fragment: JSON.stringify({ name: id.name, version: id.version, content }),
    provenance: provenanceOf(content),
    seenBlobs,
  }
}
