import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { acceptsGzip, gzipped } from '../../../src/http/gzip.ts'

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

describe('gzipped', () => {
  it('compresses all buffers as one, once', async () => {
    let asked = 0
    const source = {
      toBuffers: () => {
        asked += 1
        return [Buffer.from('a'.repeat(1000)), Buffer.from('b')]
      },
    }
    const [first, second] = await Promise.all([gzipped(source), gzipped(source)])
    assert.equal(gunzipSync(Buffer.concat([...first])).toString(), `${'a'.repeat(1000)}b`)
    assert.equal(first, second)
    assert.equal(asked, 1)
  })
})
