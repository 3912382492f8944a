import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { DiskBlobStore } from '../../src/blobs/disk.ts'
import { digestOf } from '../support/catalog-samples.ts'
import { collected } from '../support/collected.ts'
import { skipLoudly } from '../support/optional-tool.ts'
import { readTrace, requireTracing, tracer, type SystemCall } from '../support/system-calls.ts'

const run = promisify(execFile)

describe('DiskBlobStore on its disk', () => {
  const text = 'some bytes'
  const digest = digestOf(text)
  let folder: string
  let directory: string
  let stores: DiskBlobStore[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-disk-'))
    directory = join(folder, 'not', 'yet', 'there')
    stores = []
  })

  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await rm(folder, { recursive: true })
  })

  async function open(): Promise<DiskBlobStore> {
    const store = await DiskBlobStore.open({ directory })
    stores.push(store)
    return store
  }

  async function publish(store: DiskBlobStore): Promise<void> {
    const staged = await store.stage(Readable.from([text]), 100)
    await staged.commit()
  }

  function pathOf(): string {
    return join(directory, 'blobs', 'sha256', digest.slice(0, 2), digest)
  }

  async function modeOf(path: string): Promise<string> {
    return ((await stat(path)).mode & 0o777).toString(8)
  }

  it('keeps a blob under the first two digits of its digest', async () => {
    await publish(await open())
    equal(await readFile(pathOf(), 'utf8'), text)
  })

  it('lets nobody else read: folders have mode 700, blobs 600', async () => {
    await publish(await open())
    equal(await modeOf(directory), '700')
    equal(await modeOf(join(directory, 'tmp')), '700')
    equal(await modeOf(join(pathOf(), '..')), '700')
    equal(await modeOf(pathOf()), '600')
  })

  it('stages each store in a folder of its own, and removes that on close', async () => {
    const large = text.repeat(10_000)
    for (const store of [await open(), await open()]) await store.stage(Readable.from([large]), large.length)
    equal((await readdir(join(directory, 'tmp'))).length, 2)
    await Promise.all(stores.map((store) => store.close()))
    deepEqual(await readdir(join(directory, 'tmp')), [])
  })

  it('writes what is small when it is committed, and nothing of it before', async () => {
    const store = await open()
    const staged = await store.stage(Readable.from([text]), 100)
    deepEqual(await readdir(join(directory, 'tmp')), [])
    await staged.commit()
    equal(await readFile(pathOf(), 'utf8'), text)
  })

  it('leaves nothing of a small blob that cannot be moved into place', async () => {
    const store = await open()
    const staged = await store.stage(Readable.from([text]), 100)
    await mkdir(join(pathOf(), 'in the way'), { recursive: true })
    await rejects(staged.commit(), { code: 'unavailable' })
    await staged.discard()
    const [own = ''] = await readdir(join(directory, 'tmp'))
    deepEqual(await readdir(join(directory, 'tmp', own)), [])
  })

  it('stages on after another host has swept its folder', async () => {
    const store = await open()
    await store.stage(Readable.from(['before'.repeat(20_000)]), 1_000_000)
    for (const name of await readdir(join(directory, 'tmp'))) {
      await rm(join(directory, 'tmp', name), { recursive: true })
    }
    await publish(store)
    equal(await readFile(pathOf(), 'utf8'), text)
  })

  it('sweeps what a process that is gone has left, when it is opened', async () => {
    const left = join(directory, 'tmp', 'left-behind')
    await mkdir(left, { recursive: true })
    await utimes(left, 0, 0)
    await open()
    deepEqual(await readdir(join(directory, 'tmp')), [])
  })

  it('lists well-formed names only', async () => {
    const store = await open()
    await publish(store)
    const shard = join(pathOf(), '..')
    const elsewhere = digestOf('of another shard')
    for (const name of ['lost+found', `${digest}.tmp`, digest.toUpperCase(), elsewhere]) {
      await writeFile(join(shard, name), '')
    }
    await mkdir(join(shard, '..', 'not-a-shard'))
    await writeFile(join(shard, '..', 'not-a-shard', digest), '')
    await writeFile(join(shard, '..', 'ff-'), '')
    await writeFile(join(shard, '..', digest.startsWith('ee') ? 'dd' : 'ee'), 'a file where a shard could be')
    deepEqual(await collected(store.list()), [digest])
  })

  it('says unavailable, and why, when its temporary folder cannot be used', async () => {
    const store = await open()
    await rm(join(directory, 'tmp'), { recursive: true })
    await writeFile(join(directory, 'tmp'), '')
    await rejects(publish(store), (error: Error) => {
      match((error.cause as Error).message, /ENOTDIR/)
      match(error.message, /blob store failed/)
      return 'code' in error && error.code === 'unavailable'
    })
    await rejects(store.check(), { code: 'unavailable', message: /cannot be written and read back/ })
    await rm(join(directory, 'tmp'))
  })

  it('says unavailable when its folder cannot be made', async () => {
    await writeFile(join(folder, 'not'), '')
    await rejects(open(), { code: 'unavailable', message: /blob store failed/ })
  })

  it('writes, syncs, renames and syncs the folder, in this order', async function () {
    await requireTracing(this, 'the order of system calls is not checked')
    const trace = join(folder, 'trace')
    const watched = ['write', 'pwrite64', 'fsync', 'rename', 'renameat', 'renameat2']
    const script = join(import.meta.dirname, '..', 'support', 'stage-and-commit.ts')
    const [strace = '', ...flags] = tracer(trace, watched)
    await run(strace, [...flags, process.execPath, script, directory])
    const calls = (await readTrace(trace)).flatMap((call) => describeCall(call, directory))
    deepEqual(calls.slice(calls.lastIndexOf('fsync blobs/sha256')), [
      'fsync blobs/sha256',
      'write tmp',
      'fsync tmp',
      'rename tmp -> blobs',
      'fsync blobs/sha256/shard',
    ])
  })

  it('says storage-full when the disk is, and leaves nothing behind', async function () {
    const mounted = join(folder, 'small')
    await mkdir(mounted)
    const script = join(import.meta.dirname, '..', 'support', 'fill-disk.ts')
    const inside = 'mount -t tmpfs -o size=1m none "$0" && exec "$1" "$2" "$0"'
    try {
      await run('unshare', ['-rm', 'sh', '-c', inside, mounted, 'true', ''])
    } catch {
      skipLoudly(this, 'no file system may be mounted here: a full disk is not tried')
    }
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', inside, mounted, process.execPath, script])
    equal(stdout.trim(), 'storage-full 0')
  })
})

/** `write tmp`, `rename tmp -> blobs`, …; nothing for calls that are not about the store. */
function describeCall({ name, places }: SystemCall, directory: string): string[] {
  const inside = places.filter((place) => place.startsWith(`${directory}/`))
  if (inside.length === 0) return []
  const described = inside.map((place) => describePlace(place.slice(directory.length + 1)))
  return [`${name.replace(/^pwrite64/, 'write').replace(/^rename.*/, 'rename')} ${described.join(' -> ')}`]
}

function describePlace(path: string): string {
  if (path.startsWith('tmp/')) return 'tmp'
  if (/[0-9a-f]{64}$/.test(path)) return 'blobs'
  return path.replace(/\/[0-9a-f]{2}$/, '/shard')
}
