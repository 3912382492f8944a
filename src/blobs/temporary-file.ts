import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { AppError, isSystemError } from '../errors.ts'
import { onDisk } from './disk-errors.ts'
import { renameDurably, writeSmallFile } from '../ops/durable.ts'

/** What most charts and all provenance files are below: so much of each upload may stand in memory. */
const MOST_HELD_BYTES = 64 * 1024

/**
 * A file in the making: written once, then moved into place or removed. Content that is small is held in memory, and
 * comes to the disk when it is moved: what is refused, or there already, never does.
 */
export class TemporaryFile {
  readonly #path: string
  /** The whole content, until there is a file. */
  #held: Buffer[] | undefined = []
  #heldBytes = 0
  #movedTo: string | undefined
  #handle: FileHandle | undefined
  #hasFile = false
  #isRemoved = false

  constructor(path: string) {
    this.#path = path
  }

  /** Opens the file itself, so that a stream that is to be written has its listeners from the start. */
  async write(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks) {
      this.#heldBytes += chunk.length
      if (this.#held !== undefined && this.#heldBytes <= MOST_HELD_BYTES) this.#held.push(chunk)
      // Only what the disk says is translated: an error of `chunks` is the source's own.
      else await onDisk(this.#append(chunk))
    }
  }

  read(sliceBytes: number): Readable {
    return this.#held === undefined
      ? createReadStream(this.#movedTo ?? this.#path, { highWaterMark: sliceBytes })
      : Readable.from(this.#held, { objectMode: false })
  }

  /** Writes what is held. */
  async flush(): Promise<void> {
    await onDisk(this.#open())
  }

  /**
   * The bytes have to be durable before the name is. They are synced on the descriptor that wrote them: only that one
   * is sure to be told of an error in writing them back.
   */
  async moveTo(target: string): Promise<void> {
    if (this.#isRemoved) throw new AppError('unavailable', 'the staged bytes have been discarded')
    if (this.#held === undefined) await this.#sync()
    else await this.#writeAtOnce(Buffer.concat(this.#held))
    await renameDurably(this.#path, target)
    this.#movedTo = target
    this.#held = undefined
    this.#hasFile = false
  }

  /** To be called once `write` has ended. What was moved into place stays. */
  async remove(): Promise<void> {
    this.#isRemoved = true
    await this.#close()
    if (this.#hasFile) await rm(this.#path, { force: true })
  }

  async #append(chunk: Buffer): Promise<void> {
    const handle = await this.#open()
    await handle.writeFile(chunk)
  }

  /** The file, with what was held so far. */
  async #open(): Promise<FileHandle> {
    const handle = (this.#handle ??= await this.#inItsFolder(() => open(this.#path, 'wx', 0o600)))
    this.#hasFile = true
    if (this.#held !== undefined) await handle.writeFile(Buffer.concat(this.#held))
    this.#held = undefined
    return handle
  }

  async #writeAtOnce(content: Buffer): Promise<void> {
    this.#hasFile = true
    await this.#inItsFolder(() => writeSmallFile(this.#path, content))
  }

  async #sync(): Promise<void> {
    const handle = await this.#open()
    await handle.sync()
    await this.#close()
  }

  /** Another host may have swept the folder, if nothing was uploaded here for long. */
  async #inItsFolder<T>(create: () => Promise<T>): Promise<T> {
    try {
      return await create()
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      return create()
    }
  }

  async #close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}
