import { Readable } from 'node:stream'
import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartMetadata } from '../chart/metadata.ts'
import { type NewProvenance } from '../catalog/catalog.ts'
import { MOST_PROVENANCE_BYTES, renderProvenanceMessage } from '../provenance/message.ts'
import { requireKnownSigner, verifyProvenance } from '../provenance/verify.ts'
import { type RepositorySettings } from './settings.ts'

export interface Subject {
  readonly filename: ArchiveFilename
  readonly digest: Digest
}

/** Our signature, and a second one half as large at most in front of the publisher's file. */
const MOST_SERVED_BYTES = 2 * MOST_PROVENANCE_BYTES

/**
 * The provenance file to serve for an archive: the one that was sent, checked and countersigned, or one of our own.
 * Either way our signature is on it, so that the keyring handed out verifies every version.
 */
export async function prepareProvenance(
  settings: RepositorySettings,
  subject: Subject & {
    readonly metadata: ChartMetadata
    readonly sent: Buffer | undefined
    readonly sentOrigin: NewProvenance['origin']
  },
): Promise<{ readonly text: string; readonly origin: NewProvenance['origin'] }> {
  if (subject.sent !== undefined) {
    return { text: await countersign(settings, subject, subject.sent), origin: subject.sentOrigin }
  }
  return { text: await settings.signingKey.sign(renderProvenanceMessage(subject)), origin: 'server' }
}

/** Throws what `verifyProvenance` throws, or `signer-unknown` where the repository demands a known one. */
export async function countersign(
  settings: RepositorySettings,
  subject: Subject,
  sent: Buffer,
): Promise<string> {
  const verified = await verifyProvenance({
    provenance: sent,
    filename: subject.filename,
    digest: subject.digest,
    trusted: settings.trustedKeyring,
  })
  if (settings.unknownSigner === 'refuse') requireKnownSigner(verified)
  return settings.signingKey.countersign(sent.toString('utf8'))
}

export async function stageProvenance(blobs: BlobStore, text: string): Promise<StagedBlob> {
  return blobs.stage(Readable.from([Buffer.from(text)]), MOST_SERVED_BYTES)
}
