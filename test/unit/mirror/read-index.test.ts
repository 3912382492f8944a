import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Readable } from 'node:stream'
import { type Filters } from '../../../src/mirror/filters.ts'
import {
  type IndexBatch,
  type IndexSummary,
  readIndexEntries,
  type RefusedEntry,
} from '../../../src/mirror/index-entries.ts'
import { type IndexReading, readUpstreamIndex } from '../../../src/mirror/read-index.ts'
import { type UpstreamEntry } from '../../../src/mirror/upstream-entry.ts'
import { skipLoudly } from '../../support/optional-tool.ts'

const REAL_INDEX = fileURLToPath(
  new URL('../../../../shared/real-charts/upstream-index.yaml', import.meta.url),
)
const DIGEST = 'ab'.repeat(32)
const EVERYTHING: Filters = { exclude: [], prereleases: true }

interface ReadIndex {
  readonly entries: readonly UpstreamEntry[]
  readonly refused: readonly RefusedEntry[]
  readonly summary: IndexSummary
}

async function read(text: string | Buffer, reading: Partial<IndexReading> = {}): Promise<ReadIndex> {
  const entries: UpstreamEntry[] = []
  const refused: RefusedEntry[] = []
  const url = new URL('https://charts.example.org/stable/index.yaml')
  const whole = { url, filters: EVERYTHING, maxBytes: 10_000_000, ...reading }
  const summary = await readUpstreamIndex(Readable.from([Buffer.from(text)]), whole, async (batch) => {
    await Promise.resolve()
    entries.push(...batch.entries)
    refused.push(...batch.refused)
  })
  return { entries, refused, summary }
}

/** The same without a worker. */
function readHere(text: string): ReadIndex {
  const entries: UpstreamEntry[] = []
  const refused: RefusedEntry[] = []
  const base = new URL('https://charts.example.org/stable/index.yaml')
  const batches = readIndexEntries(Buffer.from(text), { base, filters: EVERYTHING })
  for (let next = batches.next(); ; next = batches.next()) {
    if (next.done === true) return { entries, refused, summary: next.value }
    entries.push(...next.value.entries)
    refused.push(...next.value.refused)
  }
}

function entry(fields: string): string {
  return `apiVersion: v1\nentries:\n  demo:\n  - {name: demo, version: 1.0.0, ${fields}}\n`
}

describe('readUpstreamIndex', () => {
  const yaml = `apiVersion: v1
entries:
  # a comment
  demo:
  - name: demo
    version: 1.0.0
    appVersion: 1.10
    created: 2020-01-02T03:04:05.678901234Z
    digest: sha256:${DIGEST}
    annotations: {a: "b"}
    urls: [files/demo-1.0.0.tgz]
  "other":
  - name: other
    version: 2.0.0-rc.1
    urls: [https://other.example.org/o.tgz]
  empty:
generated: "2020-01-01T00:00:00Z"
`

  it('reads names, versions, URLs and digests, and renders what our index will say', async () => {
    const { entries, summary } = await read(yaml)
    deepEqual(summary, { entries: 2, filtered: 0, refused: 0 })
    const [demo, other] = entries
    deepEqual(JSON.parse(demo?.fragment ?? ''), {
      apiVersion: 'v1',
      name: 'demo',
      version: '1.0.0',
      appVersion: '1.1',
      annotations: { a: 'b' },
      urls: ['charts/demo-1.0.0.tgz'],
      created: '2020-01-02T03:04:05.678Z',
      digest: DIGEST,
    })
    deepEqual(demo?.urls, ['https://charts.example.org/stable/files/demo-1.0.0.tgz'])
    deepEqual([demo.filename, demo.digest], ['demo-1.0.0.tgz', DIGEST])
    deepEqual([other?.digest, other?.createdAt], [undefined, undefined])
  })

  it('reads JSON, and YAML that is in another form than Helm writes, alike', async () => {
    const fields = { name: 'demo', version: '1.0.0', urls: ['a.tgz'] }
    const json = await read(JSON.stringify({ entries: { demo: [fields] } }))
    const flow = await read('entries: {demo: [{name: demo, version: 1.0.0, urls: [a.tgz]}]}')
    const anchored = await read(
      'x: &urls [a.tgz]\nentries:\n  demo:\n  - {name: demo, version: 1.0.0, urls: *urls}\n',
    )
    const behind = await read(
      'entries:\n  demo:\n  - {name: demo, version: 1.0.0, urls: [a.tgz]}\nz:\n  a: b\n',
    )
    for (const { entries } of [json, flow, anchored, behind])
      equal(entries[0]?.fragment, json.entries[0]?.fragment)
    equal(json.entries.length, 1)
  })

  it('leaves out an entry that is too large, and nothing else', () => {
    const fields = { name: 'demo', urls: ['a.tgz'] }
    const versions = [
      { ...fields, version: '1.0.0', description: 'x'.repeat(256 * 1024) },
      { ...fields, version: '1.0.1', description: 'x'.repeat(255 * 1024) },
    ]
    const { entries, refused } = readHere(JSON.stringify({ entries: { demo: versions } }))
    deepEqual(
      entries.map(({ version }) => version),
      ['1.0.1'],
    )
    deepEqual(refused, [{ name: 'demo', version: '1.0.0', reason: 'its entry is larger than 262144 bytes' }])
  })

  it('takes an index of no charts', async () => {
    deepEqual((await read('apiVersion: v1\nentries: {}\n')).summary, { entries: 0, filtered: 0, refused: 0 })
    deepEqual(readHere('apiVersion: v1\nentries:\n').summary, { entries: 0, filtered: 0, refused: 0 })
  })

  it('resolves URLs against the index, whatever they look like', () => {
    const urls: readonly (readonly [url: string, absolute: string])[] = [
      ['a.tgz', 'https://charts.example.org/stable/a.tgz'],
      ['/a.tgz', 'https://charts.example.org/a.tgz'],
      ['../a.tgz', 'https://charts.example.org/a.tgz'],
      ['charts/a:1.tgz', 'https://charts.example.org/stable/charts/a:1.tgz'],
      ['a:1.tgz', 'https://charts.example.org/stable/a:1.tgz'],
      ['oci://r.example.org/charts/demo:1.0.0', 'oci://r.example.org/charts/demo:1.0.0'],
      ['https://b.example.org/a.tgz?x=1', 'https://b.example.org/a.tgz?x=1'],
    ]
    for (const [url, absolute] of urls) {
      deepEqual(readHere(entry(`urls: ["${url}"]`)).entries[0]?.urls, [absolute])
    }
  })

  it('applies the filters and counts what they leave out', async () => {
    const filters = { ...EVERYTHING, include: [{ chart: { exact: 'demo' } }] }
    const { entries, summary } = await read(yaml, { filters })
    deepEqual(
      entries.map(({ name }) => name),
      ['demo'],
    )
    deepEqual(summary, { entries: 1, filtered: 1, refused: 0 })
  })

  const refusals: readonly (readonly [what: string, index: string, reason: RegExp])[] = [
    [
      'a name with a path',
      'entries:\n  "../x":\n  - {name: ../x, version: 1.0.0, urls: [a]}\n',
      /not a chart name/,
    ],
    ['a version that is none', entry('urls: [a]').replace('1.0.0', 'new'), /not a SemVer 2 version/],
    [
      'another name than it stands under',
      entry('urls: [a]').replace('name: demo', 'name: a'),
      /stands under/,
    ],
    ['no URL', entry('digest: x'), /names no URL/],
    ['a URL of a file', entry('urls: ["file:///etc/passwd"]'), /none that can be asked/],
    ['a URL that is endless', entry(`urls: ["https://a/${'a'.repeat(3000)}"]`), /none that can be asked/],
    ['no list of versions', 'entries:\n  demo: x\n', /no list of versions/],
    ['an entry that is a text', 'entries:\n  demo:\n  - x\n', /must be a map/],
    ['a field of another type', entry('urls: [a], keywords: x'), /keywords is text, and must be a list/],
    [
      'a version that is there twice',
      'entries:\n  demo:\n  - {name: demo, version: 1.0.0, urls: [a]}\n  - {name: demo, version: 1.0.0, urls: [b]}\n',
      /has the file name "demo-1\.0\.0\.tgz" twice/,
    ],
    [
      'a file name of two charts',
      'entries:\n  a:\n  - {name: a, version: 1.0.0-2.0.0, urls: [a]}\n  a-1.0.0:\n  - {name: a-1.0.0, version: 2.0.0, urls: [b]}\n',
      /has the file name "a-1\.0\.0-2\.0\.0\.tgz" twice/,
    ],
  ]
  for (const [what, index, reason] of refusals) {
    it(`reports ${what}`, () => {
      const { refused, summary } = readHere(index)
      equal(summary.refused, 1)
      match(refused[0]?.reason ?? '', reason)
    })
  }

  it('counts refusals without end, and tells a thousand', async () => {
    const versions = Array.from({ length: 1500 }, () => '  - {name: demo, version: x}\n').join('')
    const { refused, summary } = await read(`entries:\n  demo:\n${versions}`)
    deepEqual([refused.length, summary.refused], [1000, 1500])
  })

  const nested = Array.from(
    { length: 30 },
    (_, place) => `a${place + 1}: &a${place + 1} [${`*a${place},`.repeat(9)}]`,
  )
  const hostile: readonly (readonly [what: string, index: string, message: RegExp])[] = [
    ['a page', '\n<!doctype html><html>', /it sends a page where its index is expected/],
    ['a text', 'hello', /it has no entries/],
    ['nothing', '', /it has no entries/],
    ['broken YAML', 'entries: [', /index\.yaml is not YAML/],
    ["broken YAML in Helm's form", 'entries:\n  a:\n  - [\n', /index\.yaml is not YAML/],
    ['broken JSON', '{"entries"', /cannot be parsed/],
    ['a list', '{"entries": []}', /it has no entries/],
    ['nested JSON', `{"entries":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`, /nested too deep/],
    [
      'aliases that stand for gigabytes',
      `a0: &a0 [x]\n${nested.join('\n')}\nentries: *a30\n`,
      /too long with its aliases/,
    ],
  ]
  for (const [what, index, message] of hostile) {
    it(`refuses ${what}`, () => {
      throws(() => readHere(index), { code: 'upstream-invalid', message })
    })
  }

  it('refuses more bytes than allowed', async () => {
    await rejects(read('<html>'), {
      code: 'upstream-invalid',
      message: /charts\.example\.org: it sends a page/,
    })
    await rejects(read(yaml, { maxBytes: 100 }), {
      code: 'upstream-invalid',
      message: /larger than 100 bytes/,
    })
  })

  it('ends a worker that needs too much memory or time', async () => {
    const versions = '  - {name: demo, version: 1.0.0, urls: [a]}\n'.repeat(100_000)
    const large = `entries:\n  demo:\n${versions}`
    await rejects(read(large, { maxHeapMiB: 16 }), { code: 'upstream-invalid', message: /costs too much/ })
    await rejects(read(large, { parseTimeoutMs: 1 }), { code: 'upstream-invalid', message: /takes too long/ })
  })

  it('gives all versions of a chart at once, and what is refused of it', async () => {
    const versions = Array.from({ length: 1001 }, (_, patch) => ({
      name: 'demo',
      version: patch === 700 ? 'none' : `1.0.${patch}`,
      urls: ['a.tgz'],
    }))
    const other = [{ name: 'other', version: '1.0.0', urls: ['a.tgz'] }]
    const body = Readable.from([Buffer.from(JSON.stringify({ entries: { demo: versions, other } }))])
    const url = new URL('https://a.example.org/index.yaml')
    const batches: IndexBatch[] = []
    const reading = { url, filters: EVERYTHING, maxBytes: 1_000_000 }
    await readUpstreamIndex(body, reading, (batch) => void batches.push(batch))
    deepEqual(
      batches.map(({ entries, refused }) => [entries.length, refused.length]),
      [
        [1000, 1],
        [1, 0],
      ],
    )
    deepEqual(
      batches[0]?.entries.map(({ version }) => version),
      versions.flatMap(({ version }) => (version === 'none' ? [] : [version])),
    )
  })

  it('stops when it is told to, and passes errors of the stream and of the taker on', async () => {
    await rejects(read(yaml, { signal: AbortSignal.abort() }), { code: 'request-aborted' })
    const failure = new Error('the line broke')
    const url = new URL('https://a.example.org/index.yaml')
    const reading = { url, filters: EVERYTHING, maxBytes: 1000 }
    const broken = new Readable({
      read() {
        this.destroy(failure)
      },
    })
    await rejects(
      readUpstreamIndex(broken, reading, () => undefined),
      failure,
    )
    const body = Readable.from([Buffer.from(yaml)])
    await rejects(
      readUpstreamIndex(body, reading, () => Promise.reject(failure)),
      failure,
    )
    ok(body.destroyed)
  })

  it('reads a real index', async function () {
    if (!existsSync(REAL_INDEX)) skipLoudly(this, `${REAL_INDEX} is absent`)
    const { summary, refused } = await read(await readFile(REAL_INDEX))
    deepEqual(summary, { entries: 1627, filtered: 0, refused: 1 })
    match(refused[0]?.reason ?? '', /not a SemVer 2 version: "0\.46\.00"/)
  })
})
