import { type Readable } from 'node:stream'
import { type Digest } from '../chart/digest.ts'
import { type StagedBlob } from './blob-store.ts'
import { onDisk } from './disk-errors.ts'
import { type TemporaryFile } from './temporary-file.ts'

/** Below 512 KiB a slice costs a response more than its bytes do. */
export const READ_SLICE_BYTES = 512 * 1024

/** What a staged blob asks of its store. */
export interface Shelf {
  /** Makes the folder that the blob belongs in; resolves to the blob's own path. */
  prepare(digest: Digest): Promise<string>
  forget(blob: DiskStagedBlob): void
}

export class DiskStagedBlob implements StagedBlob {
  readonly digest: Digest
  readonly size: number
  readonly #file: TemporaryFile
  readonly #shelf: Shelf
  #committing: Promise<void> | undefined

  constructor(
    file: TemporaryFile,
    content: { readonly digest: Digest; readonly size: number },
    shelf: Shelf,
  ) {
    this.digest = content.digest
    this.size = content.size
    this.#file = file
    this.#shelf = shelf
  }

  open(): Readable {
    return this.#file.read(READ_SLICE_BYTES)
  }

  /** Once only, also where it fails: after a failed fsync a second one may report success for lost bytes. */
  commit(): Promise<void> {
    this.#committing ??= onDisk(this.#moveIntoPlace())
    return this.#committing
  }

  async discard(): Promise<void> {
    // An error of the commit has been reported to whoever waits for `commit`.
    await this.#committing?.catch(() => undefined)
    await onDisk(this.#file.remove())
    this.#shelf.forget(this)
  }

  async #moveIntoPlace(): Promise<void> {
    await this.#file.moveTo(await this.#shelf.prepare(this.digest))
    this.#shelf.forget(this)
  }
}
