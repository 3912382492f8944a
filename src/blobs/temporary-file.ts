import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import { onDisk } from './disk-errors.ts'
import { renameDurably } from '../ops/durable.ts'

/** A file in the making: written once, then moved into place or removed. */
export class TemporaryFile {
  readonly #path: string
  #movedTo: string | undefined
  #handle: FileHandle | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Opens the file itself, so that a stream that is to be written has its listeners from the start. */
  async write(chunks: AsyncIterable<Buffer>): Promise<void> {
    const handle = await onDisk(this.#create())
    // Only what the disk says is translated: an error of `chunks` is the source's own.
    for await (const chunk of chunks) await onDisk(handle.writeFile(chunk))
  }

  read(sliceBytes: number): Readable {
    return createReadStream(this.#movedTo ?? this.#path, { highWaterMark: sliceBytes })
  }

  /**
   * The bytes have to be durable before the name is. They are synced on the descriptor that wrote them: only that one
   * is sure to be told of an error in writing them back.
   */
  async moveTo(target: string): Promise<void> {
    const handle = this.#handle
    if (handle === undefined) throw new AppError('unavailable', 'the staged bytes have been discarded')
    await handle.sync()
    await this.#close()
    await renameDurably(this.#path, target)
    this.#movedTo = target
  }

  /** To be called once `write` has ended. What was moved into place stays. */
  async remove(): Promise<void> {
    await this.#close()
    await rm(this.#path, { force: true })
  }

  async #create(): Promise<FileHandle> {
    // Another host may have swept the folder, if nothing was uploaded here for long.
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    this.#handle = await open(this.#path, 'wx', 0o600)
    return this.#handle
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}
