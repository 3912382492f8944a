import { deepEqual, equal, rejects } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type BlobStore, type StagedBlob } from '../../src/blobs/blob-store.ts'
import { digestOf } from '../support/catalog-samples.ts'
import { collected } from '../support/collected.ts'

export interface BlobStoreFixture {
  /** Each call opens the same store anew, as another process would. */
  open(): Promise<BlobStore>
  /** How many uploads have left something behind, whether visible or not. */
  countLeftovers(): Promise<number>
  remove(): Promise<void>
}

/** What `BlobStore` promises, for any implementation. */
export function describeBlobStore(name: string, create: () => Promise<BlobStoreFixture>): void {
  describe(`${name} as a BlobStore`, () => {
    const text = 'a chart, or what stands for one'
    const digest = digestOf(text)
    let fixture: BlobStoreFixture
    let store: BlobStore

    beforeEach(async () => {
      fixture = await create()
      store = await fixture.open()
    })

    afterEach(async () => {
      await store.close()
      equal(await fixture.countLeftovers(), 0, 'something was left behind')
      await fixture.remove()
    })

    function stage(content: string | Buffer = text, maxBytes = 10_000_000): Promise<StagedBlob> {
      return store.stage(Readable.from([content]), maxBytes)
    }

    async function publish(content: string | Buffer = text): Promise<StagedBlob> {
      const staged = await stage(content)
      await staged.commit()
      return staged
    }

    async function read(range?: { start: number; end: number }): Promise<string | undefined> {
      const stream = await store.open(digest, range)
      return stream && (await buffer(stream)).toString()
    }

    describe('stage', () => {
      it('hashes and counts, and shows nothing', async () => {
        const staged = await stage()
        equal(staged.digest, digest)
        equal(staged.size, text.length)
        equal(await read(), undefined)
        deepEqual(await collected(store.list()), [])
      })

      it('gives the staged bytes, from the start each time, also after commit', async () => {
        const staged = await stage()
        equal((await buffer(staged.open())).toString(), text)
        equal((await buffer(staged.open())).toString(), text)
        await staged.commit()
        equal((await buffer(staged.open())).toString(), text)
      })

      it('takes bytes in many chunks, and none at all', async () => {
        const bytes = randomBytes(3_000_000)
        const chunks = Array.from({ length: 300 }, (_, turn) =>
          bytes.subarray(turn * 10_000, (turn + 1) * 10_000),
        )
        const many = await store.stage(Readable.from(chunks), bytes.length)
        deepEqual(await buffer(many.open()), bytes)
        const none = await store.stage(Readable.from([]), 10)
        equal(none.size, 0)
        equal(none.digest, digestOf(''))
      })

      it('takes exactly as many bytes as allowed', async () => {
        equal((await stage(text, text.length)).size, text.length)
      })

      it('rejects with too-large one byte later, destroys the source and leaves nothing', async () => {
        const source = Readable.from([text.slice(0, 5), text.slice(5)])
        await rejects(store.stage(source, text.length - 1), {
          code: 'too-large',
          message: /limit of 30 bytes/,
        })
        equal(source.destroyed, true)
        equal(await fixture.countLeftovers(), 0)
      })

      it("rejects with the source's own error midway, and leaves nothing", async () => {
        const failure = new Error('the client went away')
        async function* failing(): AsyncGenerator<string> {
          yield text
          await Promise.resolve()
          throw failure
        }
        await rejects(store.stage(Readable.from(failing()), 1000), failure)
        equal(await fixture.countLeftovers(), 0)
      })

      it('rejects when the source fails before its first byte', async () => {
        const source = new Readable({ read: () => undefined })
        const staging = store.stage(source, 1000)
        source.destroy(new Error('reset'))
        await rejects(staging, /reset/)
        equal(await fixture.countLeftovers(), 0)
      })

      it('rejects when the source is destroyed midway without an error', async () => {
        const source = new Readable({ read: () => undefined })
        source.push(text)
        const staging = store.stage(source, 1000)
        setImmediate(() => source.destroy())
        await rejects(staging, /[Pp]remature close/)
        equal(await fixture.countLeftovers(), 0)
      })

      it('rejects a source that was destroyed before', async () => {
        const source = Readable.from([text])
        source.destroy()
        await rejects(store.stage(source, 1000))
        equal(await fixture.countLeftovers(), 0)
      })
    })

    describe('commit', () => {
      it('makes the bytes visible under their digest', async () => {
        await publish()
        equal(await read(), text)
        deepEqual(await collected(store.list()), [digest])
      })

      it('may be called again', async () => {
        const staged = await publish()
        await staged.commit()
        equal(await read(), text)
      })

      it('succeeds when the bytes are there already', async () => {
        await publish()
        await publish()
        equal(await read(), text)
        deepEqual(await collected(store.list()), [digest])
      })

      it('succeeds for many at once with the same bytes, in several processes', async () => {
        const another = await fixture.open()
        const all = await Promise.all(
          Array.from({ length: 10 }, (_, turn) =>
            (turn % 2 === 0 ? store : another).stage(Readable.from([text]), 1000),
          ),
        )
        await Promise.all(all.map((staged) => staged.commit()))
        equal(await read(), text)
        await another.close()
      })

      it('shows the blob to other processes at once', async () => {
        const another = await fixture.open()
        await publish()
        const stream = await another.open(digest)
        equal(stream && (await buffer(stream)).toString(), text)
        await another.close()
      })

      it('rejects once the bytes have been discarded', async () => {
        const staged = await stage()
        await staged.discard()
        await rejects(staged.commit(), { code: 'unavailable', message: /discarded/ })
        equal(await read(), undefined)
      })
    })

    describe('discard', () => {
      it('removes what was not committed', async () => {
        const staged = await stage()
        await staged.discard()
        equal(await fixture.countLeftovers(), 0)
        equal(await read(), undefined)
      })

      it('leaves what was committed, also while that is under way', async () => {
        const staged = await stage()
        await Promise.all([staged.commit(), staged.discard()])
        equal(await read(), text)
        await staged.discard()
        equal(await read(), text)
      })

      it('may be called more than once', async () => {
        const staged = await stage()
        await Promise.all([staged.discard(), staged.discard()])
        await staged.discard()
      })

      it('leaves the same bytes alone that another has committed', async () => {
        const other = await stage()
        await publish()
        await other.discard()
        equal(await read(), text)
      })
    })

    describe('open', () => {
      it('finds nothing where there is no such blob', async () => {
        equal(await read(), undefined)
        equal(await read({ start: 0, end: 0 }), undefined)
      })

      const last = text.length - 1
      for (const [title, range] of Object.entries({
        'the first bytes': { start: 0, end: 6 },
        'bytes in the middle': { start: 2, end: 6 },
        'the last bytes': { start: last - 2, end: last },
        'the first byte': { start: 0, end: 0 },
        'the last byte': { start: last, end: last },
        'the whole': { start: 0, end: last },
      })) {
        it(`gives ${title}`, async () => {
          await publish()
          equal(await read(range), text.slice(range.start, range.end + 1))
        })
      }

      it('gives a range of a blob of many slices', async () => {
        const bytes = randomBytes(2_000_000)
        const staged = await publish(bytes)
        const stream = await store.open(staged.digest, { start: 500_000, end: 1_700_000 })
        deepEqual(stream && (await buffer(stream)), bytes.subarray(500_000, 1_700_001))
      })

      it('gives a stream that may be destroyed unread', async () => {
        await publish()
        const stream = await store.open(digest)
        stream?.destroy()
        equal(await read(), text)
      })
    })

    describe('list', () => {
      it('gives every blob once', async () => {
        const texts = Array.from({ length: 40 }, (_, turn) => `blob ${turn}`)
        for (const each of texts) await publish(each)
        deepEqual((await collected(store.list())).toSorted(), texts.map(digestOf).toSorted())
      })
    })

    describe('delete', () => {
      it('removes the blob, and succeeds where there is none', async () => {
        await publish()
        await store.delete(digest)
        equal(await read(), undefined)
        deepEqual(await collected(store.list()), [])
        await store.delete(digest)
      })

      it('lets the same bytes be stored again', async () => {
        await publish()
        await store.delete(digest)
        await publish()
        equal(await read(), text)
      })
    })

    describe('check', () => {
      it('resolves where the store works, and leaves nothing behind', async () => {
        await store.check()
        equal(await fixture.countLeftovers(), 0)
        deepEqual(await collected(store.list()), [])
      })
    })

    describe('close', () => {
      it('removes what is staged and keeps what is committed', async () => {
        await publish()
        await stage('another')
        await store.close()
        equal(await fixture.countLeftovers(), 0)
        store = await fixture.open()
        equal(await read(), text)
      })

      it('ends what is being staged', async () => {
        const source = new Readable({ read: () => undefined })
        source.push(text)
        const staging = rejects(store.stage(source, 1000), { code: 'unavailable', message: /closed/ })
        await store.close()
        await staging
        equal(await fixture.countLeftovers(), 0)
      })

      it('refuses what comes later', async () => {
        await store.close()
        await rejects(stage(), { code: 'unavailable', message: /closed/ })
        await rejects(store.check(), { code: 'unavailable' })
      })

      it('leaves alone what other processes have staged', async () => {
        const another = await fixture.open()
        const staged = await another.stage(Readable.from([text]), 1000)
        await store.close()
        await staged.commit()
        const stream = await another.open(digest)
        equal(stream && (await buffer(stream)).toString(), text)
        await another.close()
      })
    })
  })
}
