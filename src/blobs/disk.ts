import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { AppError, isSystemError } from '../errors.ts'
import { type BlobStore, type ByteRange, type StagedBlob } from './blob-store.ts'
import { Meter } from './meter.ts'
import { onDisk } from './disk-errors.ts'
import { DiskStagedBlob, READ_SLICE_BYTES, type Shelf } from './disk-staged-blob.ts'
import { makeDurableFolder, syncFolder } from '../ops/durable.ts'
import { nameOwnFolder, sweepAbandoned } from './owner-folder.ts'
import { TemporaryFile } from './temporary-file.ts'

export interface DiskConfig {
  /** Created, with mode 0700, if it is missing. All of it is on one file system. */
  readonly directory: string
}

const SHARD = /^[0-9a-f]{2}$/
const BLOB = /^[0-9a-f]{64}$/

/**
 * Blobs as files:
 *
 *     <directory>/blobs/sha256/<2 hex>/<64 hex>    never rewritten
 *     <directory>/tmp/<process>/<number>           staged; a rename moves it into place
 */
export class DiskBlobStore implements BlobStore {
  readonly #blobs: string
  readonly #temporary: string
  readonly #staging = new Map<Promise<StagedBlob>, Readable>()
  readonly #staged = new Set<DiskStagedBlob>()
  readonly #durableShards = new Set<string>()
  readonly #shelf: Shelf
  #count = 0
  #closed = false

  static async open({ directory }: DiskConfig): Promise<DiskBlobStore> {
    const blobs = join(directory, 'blobs', 'sha256')
    const temporary = join(directory, 'tmp')
    await onDisk(makeDurableFolder(blobs))
    await onDisk(makeDurableFolder(temporary))
    await onDisk(sweepAbandoned(temporary))
    return new DiskBlobStore(blobs, join(temporary, await nameOwnFolder()))
  }

  private constructor(blobs: string, temporary: string) {
    this.#blobs = blobs
    this.#temporary = temporary
    this.#shelf = {
      prepare: (digest) => this.#prepare(digest),
      forget: (blob) => this.#staged.delete(blob),
    }
  }

  async stage(source: Readable, maxBytes: number): Promise<StagedBlob> {
    const staging = this.#stage(source, maxBytes)
    this.#staging.set(staging, source)
    try {
      return await staging
    } finally {
      this.#staging.delete(staging)
    }
  }

  async open(digest: Digest, range?: ByteRange): Promise<Readable | undefined> {
    const handle = await onDisk(findFile(this.#pathOf(digest)))
    return handle?.createReadStream({ ...range, highWaterMark: READ_SLICE_BYTES })
  }

  async *list(): AsyncIterable<Digest> {
    for (const shard of await onDisk(readdir(this.#blobs, { withFileTypes: true }))) {
      if (!shard.isDirectory() || !SHARD.test(shard.name)) continue
      const names = await onDisk(readdir(join(this.#blobs, shard.name)))
      yield* names.filter((name) => BLOB.test(name) && name.startsWith(shard.name)).map(parseDigest)
    }
  }

  async delete(digest: Digest): Promise<void> {
    await onDisk(rm(this.#pathOf(digest), { force: true }))
  }

  async check(): Promise<void> {
    try {
      await this.#writeAndReadBack(randomBytes(32))
    } catch (error) {
      throw new AppError('unavailable', 'the blob store cannot be written and read back', { cause: error })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const source of this.#staging.values()) source.destroy(closedError())
    await Promise.allSettled(this.#staging.keys())
    await Promise.all(Array.from(this.#staged, (blob) => blob.discard()))
    await onDisk(rm(this.#temporary, { recursive: true, force: true }))
  }

  async #stage(source: Readable, maxBytes: number): Promise<StagedBlob> {
    if (this.#closed) throw closedError()
    const file = this.#newFile()
    const meter = new Meter(maxBytes)
    try {
      await file.write(meter.measured(source.iterator({ destroyOnReturn: false })))
    } catch (error) {
      end(source, error)
      await onDisk(file.remove())
      throw error
    }
    const blob = new DiskStagedBlob(file, meter.result(), this.#shelf)
    this.#staged.add(blob)
    return blob
  }

  #newFile(): TemporaryFile {
    this.#count += 1
    return new TemporaryFile(join(this.#temporary, String(this.#count)))
  }

  async #writeAndReadBack(bytes: Buffer): Promise<void> {
    if (this.#closed) throw closedError()
    const file = this.#newFile()
    try {
      await file.write(Readable.from([bytes]))
      await file.flush()
      const read = await buffer(file.read(READ_SLICE_BYTES))
      if (!read.equals(bytes)) throw new AppError('unavailable', 'the blob store returned other bytes')
    } finally {
      await onDisk(file.remove())
    }
  }

  /**
   * A shard's own name has to be durable too, and another process that has just made it may not have come so far: each
   * process sees to it itself, once.
   */
  async #prepare(digest: Digest): Promise<string> {
    const path = this.#pathOf(digest)
    const shard = dirname(path)
    if (!this.#durableShards.has(shard)) {
      await mkdir(shard, { recursive: true, mode: 0o700 })
      await syncFolder(this.#blobs)
      this.#durableShards.add(shard)
    }
    return path
  }

  #pathOf(digest: Digest): string {
    return join(this.#blobs, digest.slice(0, 2), digest)
  }
}

/** With the reason, at once: whoever feeds the source would otherwise find only that it ended early. */
function end(source: Readable, reason: unknown): void {
  source.once('error', () => undefined)
  source.destroy(reason instanceof Error ? reason : undefined)
}

function closedError(): AppError {
  return new AppError('unavailable', 'the blob store is closed')
}

async function findFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
