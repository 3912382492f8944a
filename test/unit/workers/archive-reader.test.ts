import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { readChartArchive } from '../../../src/chart/archive.ts'
import { ArchiveReader } from '../../../src/workers/archive-reader.ts'
import { chart } from '../../support/chart-builder.ts'

describe('ArchiveReader', function () {
  this.timeout(60_000)
  let reader: ArchiveReader

  beforeEach(() => {
    reader = new ArchiveReader()
  })

  afterEach(() => reader.close())

  function blob(bytes: Buffer): { readonly size: number; readonly open: () => Readable } {
    return { size: bytes.length, open: () => Readable.from([bytes]) }
  }

  /** Much unpacked, little packed; the files are below Helm's limit of 5 MiB each. */
  async function bulky(files: number): Promise<Buffer> {
    const content = 'x'.repeat(5_000_000)
    const names = Array.from({ length: files }, (_, count) => [`file-${count}`, content] as const)
    return chart({ files: Object.fromEntries(names) })
  }

  it('reads what readChartArchive reads, in this thread or in another', async () => {
    const small = await chart()
    const packed = await chart({ files: { 'random.bin': randomBytes(100_000).toString('base64') } })
    for (const archive of [small, packed, await bulky(1)]) {
      const expected = await readChartArchive(Readable.from([archive]))
      assert.deepEqual(await reader.read(blob(archive), 'strict'), expected)
    }
  })

  it('refuses in the same words, in this thread or in another', async () => {
    const random = Buffer.from(randomBytes(100_000))
    for (const archive of [Buffer.from('no chart'), random, Buffer.alloc(0), Buffer.from('abc')]) {
      const refusal = await readChartArchive(Readable.from([archive])).catch((error: unknown) => error)
      assert.ok(refusal instanceof Error)
      await assert.rejects(reader.read(blob(archive), 'strict'), {
        code: 'chart-invalid',
        message: refusal.message,
      })
    }
  })

  it('refuses an archive that understates its unpacked length', async () => {
    const archive = gzipSync(gunzipSync(await bulky(1)))
    archive.writeUInt32LE(1000, archive.length - 4)
    assert.ok(archive.length < 64 * 1024)
    await assert.rejects(reader.read(blob(archive), 'strict'), { code: 'chart-invalid' })
  })

  it("rejects with the source's own error", async () => {
    const failing = new Readable({
      read() {
        this.destroy(new Error('the disk has failed'))
      },
    })
    await assert.rejects(reader.read({ size: 1_000_000, open: () => failing }, 'strict'), /disk has failed/)
  })

  it('leaves this thread to others while 50 MB are read', async () => {
    const archive = await bulky(10)
    let turns = 0
    const interval = setInterval(() => {
      turns += 1
    }, 5)
    try {
      await reader.read(blob(archive), 'strict')
    } finally {
      clearInterval(interval)
    }
    assert.ok(turns >= 5, `${turns} turns`)
  })
})
