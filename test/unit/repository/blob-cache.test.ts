import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type BlobStore } from '../../../src/blobs/blob-store.ts'
import { type Digest } from '../../../src/chart/digest.ts'
import { BlobCache } from '../../../src/repository/blob-cache.ts'
import { sha256 } from '../../support/publishing-record.ts'

describe('BlobCache', () => {
  let opened: string[]
  let blobs: Map<string, Buffer>

  beforeEach(() => {
    opened = []
    blobs = new Map()
  })

  function cacheOf(limits: { maxBytes: number; largestBytes: number }): BlobCache {
    const store: Pick<BlobStore, 'open'> = {
      open: (digest) => {
        opened.push(digest)
        const bytes = blobs.get(digest)
        return Promise.resolve(bytes && Readable.from([bytes]))
      },
    }
    return new BlobCache(store, limits)
  }

  function store(text: string): Digest {
    const digest = sha256(Buffer.from(text)) as Digest
    blobs.set(digest, Buffer.from(text))
    return digest
  }

  it('reads a blob once, also for those who ask while it is being read', async () => {
    const cache = cacheOf({ maxBytes: 100, largestBytes: 10 })
    const digest = store('bytes')
    const both = await Promise.all([cache.read(digest, 5), cache.read(digest, 5)])
    assert.deepEqual(both.map(String), ['bytes', 'bytes'])
    assert.equal(String(await cache.read(digest, 5)), 'bytes')
    assert.deepEqual(opened, [digest])
  })

  it('leaves what is too large to the store', () => {
    assert.equal(cacheOf({ maxBytes: 100, largestBytes: 10 }).read(store('12345678901'), 11), undefined)
    assert.equal(cacheOf({ maxBytes: 0, largestBytes: 10 }).read(store('1'), 1), undefined)
    assert.deepEqual(opened, [])
  })

  it('drops what was not asked for longest, by bytes', async () => {
    const cache = cacheOf({ maxBytes: 10, largestBytes: 10 })
    const [first, second, third] = [store('1234'), store('5678'), store('9012')]
    for (const digest of [first, second, first, third]) await cache.read(digest, 4)
    await cache.read(first, 4)
    await cache.read(second, 4)
    assert.deepEqual(opened, [first, second, third, second])
  })

  it('hands out and keeps no bytes that are not those of the digest', async () => {
    const cache = cacheOf({ maxBytes: 100, largestBytes: 10 })
    const digest = store('right')
    blobs.set(digest, Buffer.from('wrong'))
    await assert.rejects(async () => cache.read(digest, 5), {
      code: 'blob-missing',
      message: /holds other bytes/,
    })
    blobs.set(digest, Buffer.from('right'))
    assert.equal(String(await cache.read(digest, 5)), 'right')
  })

  it('says that a blob is gone', async () => {
    const digest = store('gone')
    blobs.clear()
    const cache = cacheOf({ maxBytes: 100, largestBytes: 10 })
    await assert.rejects(async () => cache.read(digest, 4), { code: 'blob-missing' })
  })
})
