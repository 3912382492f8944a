import { type BlobStore, type StagedBlob } from '../../src/blobs/blob-store.ts'
import { type Faults } from './faults.ts'
import { intercept } from './intercept.ts'

export type BlobStep = 'stage' | 'commit' | 'discard' | 'delete'

/** A blob store that is sound but for the planned fault. */
export function faultyBlobStore(sound: BlobStore, faults: Faults<BlobStep>): BlobStore {
  return intercept(sound, ['stage', 'delete'], async (step, call) => {
    if (step === 'delete') return faults.pass(step, call)
    return faultyStagedBlob((await faults.pass('stage', call)) as StagedBlob, faults)
  })
}

function faultyStagedBlob(sound: StagedBlob, faults: Faults<BlobStep>): StagedBlob {
  return intercept(sound, ['commit', 'discard'], async (step, call) => faults.pass(step, call))
}
