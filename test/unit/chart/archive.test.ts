import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type ChartArchive, readChartArchive } from '../../../src/chart/archive.ts'
import { archive, chart, chartYaml, tarball, tarHeader, withChecksum } from '../../support/chart-builder.ts'
import { CHART_YAML, isRefusal, MIB, read, refusal } from './archive-refusals.ts'
import { skipLoudly } from '../../support/optional-tool.ts'

/** Packages of a public repository; not part of this one. */
const REAL_CHARTS = join(import.meta.dirname, '../../../../shared/real-charts')

describe('readChartArchive', () => {
  it('reads the metadata of a chart', async () => {
    const { metadata } = await read(await chart({ metadata: { description: 'A demo', keywords: ['a'] } }))
    assert.deepEqual(metadata, {
      apiVersion: 'v2',
      name: 'demo',
      version: '0.1.0',
      description: 'A demo',
      keywords: ['a'],
    })
  })

  it('reads an archive whose bytes come one at a time', async () => {
    const whole = await chart()
    const bytes = Array.from(whole, (byte) => Buffer.of(byte))
    assert.deepEqual(await readChartArchive(Readable.from(bytes)), await read(whole))
  })

  it('reads long paths in the formats of GNU tar and of pax', async () => {
    const long = `demo/${'a'.repeat(120)}.yaml`
    const gnuHeader = asGnu(tarHeader({ name: '././@LongLink', type: 'L', content: `${long}\0` }))
    const gnu = gzipSync(
      Buffer.concat([gnuHeader, padded(`${long}\0`), tarball([{ name: 'cut', content: 'x' }, CHART_YAML])]),
    )
    const pax = await archive([{ name: long, content: 'x', pax: { 'SCHILY.dev': '1' } }, CHART_YAML])
    assert.equal((await read(gnu)).contentDigest, (await read(pax)).contentDigest)
  })

  it('reads a gzip header with every optional field', async () => {
    const whole = await chart()
    const header = Buffer.from(
      '1f8b081e000000000003' + '0300616263' + '6e616d6500' + '636f6d6d656e7400' + 'abcd',
      'hex',
    )
    const bytes = Buffer.concat([header, whole.subarray(10)])
    assert.equal((await read(bytes)).metadata.name, 'demo')
    const one = Readable.from(Array.from(bytes, (byte) => Buffer.of(byte)))
    assert.equal((await readChartArchive(one)).metadata.name, 'demo')
  })

  it('reads the archives of git, which name the commit in a global header', async () => {
    const global = { name: 'pax_global_header', type: 'g', content: '14 comment=ab\n' }
    assert.equal((await read(await archive([global, CHART_YAML]))).metadata.name, 'demo')
  })

  it('reads an archive without an end marker, as Go does', async () => {
    for (const endBlocks of [0, 1]) await read(await archive([CHART_YAML], { endBlocks }))
  })

  it('reads an archive that is padded with zeros after its end marker', async () => {
    await read(await archive([CHART_YAML], { endBlocks: 20 }))
  })

  it('reads Chart.yaml with a byte order mark', async () => {
    assert.equal((await read(await chart({ chartYaml: `\ufeff${chartYaml()}` }))).metadata.name, 'demo')
  })

  it('adds the dependencies of requirements.yaml', async () => {
    const { metadata } = await read(
      await chart({ files: { 'requirements.yaml': 'dependencies: [{name: db}]' } }),
    )
    assert.deepEqual(metadata.dependencies, [{ name: 'db' }])
  })

  it('takes a subchart for what it is, not for the chart', async () => {
    const files = {
      'charts/sub/Chart.yaml': chartYaml({ name: 'sub' }),
      'charts/sub/values.yaml': '- not looked at',
    }
    assert.equal((await read(await chart({ files }))).metadata.name, 'demo')
  })

  it('takes a file of 5 MiB', async () => {
    await read(await archive([CHART_YAML, { name: 'demo/a', content: Buffer.alloc(5 * MIB) }]))
  })

  describe('contentDigest', () => {
    it('has the documented form', async () => {
      const { contentDigest } = await read(await archive([CHART_YAML, { name: 'demo/a', content: 'x' }]))
      // printf 'apiVersion: "v2"\nname: "demo"\nversion: "0.1.0"\n' | sha256sum, and of "x"; then of the two lines.
      assert.equal(contentDigest, '8721e972666994bb471d2cc96b1d95e65314e52d1b4fdfacacecf5721a769dac')
    })

    it('ignores time stamps, modes, directories, order and compression', async () => {
      const file = { name: 'demo/a', content: 'x' }
      const one = await archive([CHART_YAML, file])
      const other = gzipSync(
        tarball([
          { name: 'demo/', type: '5' },
          { ...file, mode: 0o100755, mtime: new Date(0) },
          { ...CHART_YAML, type: '\0' },
        ]),
        { level: 1 },
      )
      assert.notDeepEqual(one, other)
      assert.equal((await read(one)).contentDigest, (await read(other)).contentDigest)
    })

    it('differs with a name, a content and a border between two files', async () => {
      const variants = [
        [
          { name: 'demo/a', content: 'xy' },
          { name: 'demo/b', content: 'z' },
        ],
        [
          { name: 'demo/a', content: 'x' },
          { name: 'demo/b', content: 'yz' },
        ],
        [
          { name: 'demo/a', content: 'xy' },
          { name: 'demo/c', content: 'z' },
        ],
        [{ name: 'demo/a', content: 'xy' }],
      ]
      const digests = await Promise.all(
        variants.map(async (files) => (await read(await archive([CHART_YAML, ...files]))).contentDigest),
      )
      assert.equal(new Set(digests).size, variants.length)
    })
  })

  describe('of a damaged archive', () => {
    it('refuses every archive that is cut off', async () => {
      const whole = await chart()
      for (let length = 0; length < whole.length; length++) {
        await assert.rejects(read(whole.subarray(0, length)), isRefusal, `cut off after ${length} bytes`)
      }
    })

    it('refuses every archive in which a byte of the content, the checksum or the length is another', async () => {
      const whole = await chart()
      await fc.assert(
        fc.asyncProperty(
          fc.nat(whole.length - 11),
          fc.integer({ min: 1, max: 255 }),
          async (place, change) => {
            const damaged = Buffer.from(whole)
            damaged.writeUInt8(damaged.readUInt8(10 + place) ^ change, 10 + place)
            // A bit that the deflate format ignores may change; what comes out is then the same.
            const outcome = await read(damaged).catch((error: unknown) => error)
            assert.ok(
              isRefusal(outcome) ||
                (outcome as ChartArchive).contentDigest === (await read(whole)).contentDigest,
            )
          },
        ),
        { numRuns: 200 },
      )
    })
  })

  it('refuses bytes after the gzip member that come one at a time', async () => {
    const whole = await archive([CHART_YAML], { afterGzip: Buffer.alloc(100, 'x') })
    const source = Readable.from(Array.from(whole, (byte) => Buffer.of(byte)))
    await assert.rejects(readChartArchive(source), refusal('bytes after its gzip member'))
  })

  describe('of a failing source', () => {
    it("throws the source's own error", async () => {
      const broken = new Error('the disk is gone')
      const half = (await chart()).subarray(0, 100)
      const source = Readable.from(failAfter(half, broken))
      await assert.rejects(readChartArchive(source), (error) => error === broken)
    })

    it('throws the error of a source that failed before', async () => {
      const source = new PassThrough()
      const broken = new Error('the disk is gone')
      source.destroy(broken)
      await once(source, 'error').catch(() => undefined)
      await assert.rejects(readChartArchive(source), (error) => error === broken)
    })

    it('refuses what came of a source that was closed early', async () => {
      const source = new PassThrough()
      source.write((await chart()).subarray(0, 100))
      const reading = readChartArchive(source)
      setImmediate(() => source.destroy())
      await assert.rejects(reading, refusal('damaged or cut off'))
    })

    it('does not wait for a source that stalls once the archive is refused', async () => {
      const source = new PassThrough()
      // Flushed but not ended: the bad member is out before the source says more.
      source.write(gzipSync(tarball([{ name: 'demo/../a', content: 'x' }, CHART_YAML])).subarray(0, -8))
      await assert.rejects(readChartArchive(source), refusal('climbs out'))
      assert.ok(source.destroyed)
    })
  })

  it('reads real charts but those that break a rule', async function () {
    if (!existsSync(REAL_CHARTS)) skipLoudly(this, 'no real charts beside the project: none is read')
    const outcomes = new Map<string, number>()
    for (const file of readdirSync(REAL_CHARTS).filter((name) => name.endsWith('.tgz'))) {
      const outcome = await readChartArchive(createReadStream(join(REAL_CHARTS, file))).then(
        ({ metadata }) => (`${metadata.name}-${metadata.version}.tgz` === file ? 'read' : file),
        (error: unknown) => (error as Error).message.replace(/^.*" /, ''),
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    // 18 have a subchart's files twice, with equal contents; 3 were made from within the chart's directory (`./`).
    assert.deepEqual(Object.fromEntries(outcomes), {
      read: 29,
      'is there twice': 18,
      'has an empty element or . in its path': 3,
    })
  })
})

function* failAfter(bytes: Buffer, error: Error): Generator<Buffer> {
  yield bytes
  throw error
}

function padded(content: string): Buffer {
  return Buffer.concat([Buffer.from(content), Buffer.alloc((512 - (Buffer.byteLength(content) % 512)) % 512)])
}

/** Writes GNU's magic into the header, and the checksum anew. */
function asGnu(header: Buffer): Buffer {
  header.write('ustar  \0', 257, 'latin1')
  return withChecksum(header)
}
