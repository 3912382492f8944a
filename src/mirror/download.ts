import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type Offer } from '../catalog/offers.ts'
import { AppError } from '../errors.ts'
import { type MirrorUpstream } from './mirror.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface Downloaded {
  /** To be discarded by the caller. */
  readonly archive: StagedBlob
  readonly provenance: Buffer | undefined
}

/**
 * An offer's files as its upstream has them, unchecked; `undefined` where the archive is not there. Nothing is left
 * behind when it throws.
 */
export async function download(
  blobs: BlobStore,
  { packages, settings }: MirrorUpstream,
  offer: Offer,
  signal: AbortSignal,
): Promise<Downloaded | undefined> {
  const maxBytes = settings.maxArchiveBytes
  const stream = await packages.openArchive(offer, { maxBytes, signal })
  if (stream === undefined) return undefined
  const archive = await blobs.stage(stream, maxBytes)
  try {
    const provenance = await readProvenance({ packages, settings }, offer, signal)
    return { archive, provenance }
  } catch (error) {
    await discardAtEnd(archive)
    throw error
  }
}

/** Buckets that are not to be listed answer 403 for what they do not have, so a refusal says as much as an absence. */
async function readProvenance(
  { packages, settings }: Pick<MirrorUpstream, 'packages' | 'settings'>,
  offer: Offer,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  try {
    const provenance = await packages.readProvenance(offer, signal)
    if (provenance !== undefined || settings.verify !== 'required') return provenance
  } catch (error) {
    const isLasting = error instanceof AppError && error.code === 'upstream-invalid'
    if (!isLasting || settings.verify === 'required') throw error
    return undefined
  }
  throw upstreamInvalid('there is no provenance file, and verify: required asks for one')
}
