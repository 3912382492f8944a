import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import {
  type ArchiveReading,
  type ChartArchive,
  readChartArchive,
  readSmallChartArchive,
} from '../../../src/chart/archive.ts'
import { inflateMember } from '../../../src/chart/gzip-member.ts'
import { AppError } from '../../../src/errors.ts'
import { archive, chart, tarball } from '../../support/chart-builder.ts'
import { CHART_YAML } from './archive-refusals.ts'

const MOST_BYTES = 256 * 1024

/** What comes of it: the chart, or why not. */
async function outcomeOf(reading: Promise<ChartArchive>): Promise<unknown> {
  return reading.catch((error: unknown) => {
    assert.ok(error instanceof AppError, String(error))
    return `${error.code}: ${error.message}`
  })
}

async function assertSame(bytes: Buffer, reading: ArchiveReading = 'strict'): Promise<void> {
  const [small, streamed] = await Promise.all([
    outcomeOf(readSmallChartArchive(bytes, MOST_BYTES, reading)),
    outcomeOf(readChartArchive(Readable.from([bytes]), reading)),
  ])
  assert.deepEqual(small, streamed)
}

describe('readSmallChartArchive', () => {
  it('reads at once what is in order', async () => {
    const bytes = await chart()
    assert.ok((await inflateMember(bytes, MOST_BYTES))?.equals(gunzipSync(bytes)))
    await assertSame(bytes)
  })

  it('reads as any archive is read what unpacks to more', async () => {
    const bytes = await chart({ files: { 'README.md': Buffer.alloc(MOST_BYTES) } })
    await assert.rejects(inflateMember(bytes, MOST_BYTES), { code: 'ERR_BUFFER_TOO_LARGE' })
    await assertSame(bytes)
  })

  it('inflates no further than it may where the file lies about its length', async () => {
    const bomb = gzipSync(Buffer.concat([tarball([CHART_YAML]), Buffer.alloc(10 * MOST_BYTES)]))
    bomb.writeUInt32LE(2048, bomb.length - 4)
    await assert.rejects(inflateMember(bomb, MOST_BYTES), { code: 'ERR_BUFFER_TOO_LARGE' })
    await assertSame(bomb)
  })

  it('takes no bytes between the gzip member and what looks like its trailer', async () => {
    const bytes = await chart()
    const hidden = Buffer.concat([bytes, deflateRawSync('hidden'), bytes.subarray(-8)])
    assert.equal(await inflateMember(hidden, MOST_BYTES), undefined)
    await assertSame(hidden)
  })

  it('gives the same result or the same refusal for damaged bytes of the file', async () => {
    const whole = await archive([CHART_YAML, { name: 'demo/values.yaml', content: 'a: 1\n' }])
    await fc.assert(
      fc.asyncProperty(mutationsOf(whole.length), fc.constantFrom('strict', 'lenient'), (change, reading) =>
        assertSame(change(whole), reading),
      ),
      { numRuns: 300 },
    )
  })

  it('gives the same result or the same refusal for damaged bytes of the tar', async () => {
    const whole = tarball([CHART_YAML, { name: 'demo/templates/a.yaml', content: 'a' }])
    await fc.assert(
      fc.asyncProperty(mutationsOf(whole.length), fc.constantFrom('strict', 'lenient'), (change, reading) =>
        assertSame(gzipSync(change(whole)), reading),
      ),
      { numRuns: 300 },
    )
  })
})

type Mutation = (bytes: Buffer) => Buffer

/** A byte changed, an end cut off, bytes repeated or added. */
function mutationsOf(length: number): fc.Arbitrary<Mutation> {
  const position = fc.nat(length - 1)
  return fc.oneof(
    fc.tuple(position, fc.nat(255)).map(
      ([at, value]): Mutation =>
        (bytes) =>
          bytes.with(at, value) as Buffer,
    ),
    position.map(
      (end): Mutation =>
        (bytes) =>
          bytes.subarray(0, end),
    ),
    position.map(
      (at): Mutation =>
        (bytes) =>
          Buffer.concat([bytes, bytes.subarray(at)]),
    ),
    fc.uint8Array({ maxLength: 600 }).map(
      (more): Mutation =>
        (bytes) =>
          Buffer.concat([bytes, more]),
    ),
  )
}
