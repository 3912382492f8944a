import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { gunzipSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { acceptsGzip, GzippedIndexes } from '../../../src/http/gzip.ts'
import { RenderedIndex } from '../../../src/repoindex/rendered-index.ts'
import { requireTool } from '../../support/optional-tool.ts'
import { indexSource } from '../../support/whole-index.ts'

describe('acceptsGzip', () => {
  const cases: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['GZIP', true],
    ['deflate, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip; q=0', false],
    ['*', true],
    ['*, gzip;q=0', false],
    ['br', false],
    ['xgzip', false],
  ]
  for (const [header, expected] of cases) {
    it(`says ${String(expected)} to ${header ?? 'no header'}`, () => {
      assert.equal(acceptsGzip(header), expected)
    })
  }
})

describe('GzippedIndexes', () => {
  const at = new Date(0)
  const go = (): undefined => undefined

  /** So many versions of one chart, some hundred of which fill a segment. */
  async function rendered(versions: number): Promise<RenderedIndex> {
    const fragment = JSON.stringify({ description: 'chart '.repeat(200) })
    return RenderedIndex.render(indexSource({ demo: Array<string>(versions).fill(fragment) }))
  }

  async function changed(index: RenderedIndex): Promise<RenderedIndex> {
    const versions = [{ name: 'demo', sortKey: '9999999', fragment: '{"é":1}' }]
    return index.update({ revision: index.revision + 1, changedAt: at, versions }, go)
  }

  for (const versions of [0, 1, 100, 2_000]) {
    it(`gives one gzip member that is the index of ${versions} versions`, async () => {
      const index = await rendered(versions)
      const zipped = Buffer.concat(await new GzippedIndexes().read('team', index))
      assert.deepEqual(gunzipSync(zipped), Buffer.concat(index.toBuffers()))
      assert.deepEqual(inflateFirstMember(zipped), { text: gunzipSync(zipped).toString(), rest: 0 })
    })
  }

  it('is read by gzip itself', async function () {
    requireTool(this, 'gzip', 'that gzip itself reads a compressed index')
    const index = await rendered(2_000)
    const zipped = Buffer.concat(await new GzippedIndexes().read('team', index))
    const { stdout, status } = spawnSync('gzip', ['-dc'], { input: zipped, maxBuffer: 2 ** 26 })
    assert.equal(status, 0)
    assert.deepEqual(stdout, Buffer.concat(index.toBuffers()))
  })

  it('gives any index as it is without gzip', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 }).map((value) => JSON.stringify(value))
    const size = fc.constantFrom(0, 300_000)
    const fragment = fc.tuple(text, size).map(([value, padding]) => value.padEnd(value.length + padding))
    const gzipped = new GzippedIndexes()
    await fc.assert(
      fc.asyncProperty(fc.array(fragment, { maxLength: 6 }), async (fragments) => {
        const index = await RenderedIndex.render(indexSource({ demo: fragments }))
        const zipped = Buffer.concat(await gzipped.read('team', index))
        assert.deepEqual(gunzipSync(zipped), Buffer.concat(index.toBuffers()))
      }),
      { numRuns: 40 },
    )
  })

  it('compresses a revision once, and of the next one only what is new', async () => {
    const gzipped = new GzippedIndexes()
    const index = await rendered(2_000)
    const [first, again] = await Promise.all([gzipped.read('team', index), gzipped.read('team', index)])
    assert.equal(first, again)
    const next = await changed(index)
    const after = await gzipped.read('team', next)
    const made = next.segments.filter((segment) => !index.segments.includes(segment))
    // Head and tail are small, and new each time.
    assert.equal(after.filter((part) => !first.includes(part)).length - 2, made.length)
    assert.deepEqual(gunzipSync(Buffer.concat(after)), Buffer.concat(next.toBuffers()))
  })

  it('compresses ahead what is read by others, but only where somebody has asked for gzip', async () => {
    const gzipped = new GzippedIndexes()
    const index = await rendered(1_000)
    gzipped.keepUp('team', index)
    assert.equal(gzipped.compressing, 0)
    await gzipped.read('team', index)
    gzipped.keepUp('team', index)
    assert.equal(gzipped.compressing, 0)
    gzipped.keepUp('team', await changed(index))
    assert.equal(gzipped.compressing, 1)
    gzipped.keepUp('other', await changed(index))
    assert.equal(gzipped.compressing, 1)
  })

  it('compresses two segments at a time', async () => {
    const gzipped = new GzippedIndexes()
    const reading = gzipped.read('team', await rendered(2_000))
    await Promise.resolve()
    assert.equal(gzipped.compressing, 2)
    await reading
    assert.equal(gzipped.compressing, 0)
  })
})

/** As a browser does: it reads one member and no more. */
function inflateFirstMember(zipped: Buffer): { readonly text: string; readonly rest: number } {
  const { buffer, engine } = inflateRawSync(zipped.subarray(10), { info: true }) as unknown as {
    readonly buffer: Buffer
    readonly engine: { readonly bytesWritten: number }
  }
  return { text: buffer.toString(), rest: zipped.length - 10 - engine.bytesWritten - 8 }
}
