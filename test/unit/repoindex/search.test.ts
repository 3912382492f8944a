import assert from 'node:assert/strict'
import { parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { RenderedIndex, type IndexedVersion } from '../../../src/repoindex/rendered-index.ts'
import { ChartSearch } from '../../../src/repoindex/search.ts'

type Charts = Readonly<Record<string, readonly { readonly version: string }[]>>

async function search(text: string, charts: Charts): Promise<readonly string[]> {
  const index = await RenderedIndex.render({
    revision: 1,
    changedAt: new Date(),
    versions: [versionsOf(charts)],
  })
  const found = new ChartSearch(text)
  for (const segment of index.segments) found.add(segment)
  return found.finish()
}

function versionsOf(charts: Charts): readonly IndexedVersion[] {
  return Object.entries(charts).flatMap(([name, versions]) =>
    versions.map((version) => ({
      name,
      sortKey: versionSortKey(parseChartVersion(version.version)),
      fragment: JSON.stringify(version),
    })),
  )
}

const CHARTS = {
  demo: [
    { version: '2.0.0-rc.1', description: 'newest' },
    { version: '1.1.0', description: 'Shown É', keywords: ['Web', 'http'] },
    { version: '1.0.0', description: 'oldest' },
  ],
  preview: [
    { version: '0.1.0-b', description: 'second try' },
    { version: '0.1.0-a', description: 'first try' },
  ],
  silent: [{ version: '1.0.0' }],
}

describe('ChartSearch', () => {
  const found: readonly (readonly [text: string, names: readonly string[]])[] = [
    ['dem', ['demo']],
    ['DEMO', ['demo']],
    ['shown é', ['demo']],
    ['web', ['demo']],
    ['web http', ['demo']],
    ['newest', []],
    ['oldest', []],
    ['second', ['preview']],
    ['first', []],
    ['silent', ['silent']],
    ['e', ['demo', 'preview', 'silent']],
    ['demoshown', []],
    ['undefined', []],
    ['version', []],
  ]
  for (const [text, names] of found) {
    it(`finds ${names.join(', ') || 'nothing'} for ${text}`, async () => {
      assert.deepEqual(await search(text, CHARTS), names)
    })
  }

  it('looks at the version that Helm shows, in whatever segment of a long chart it is', async () => {
    const filler = 'x'.repeat(10_000)
    const previews = Array.from({ length: 200 }, (_, place) => ({
      version: `2.0.0-rc.${200 - place}`,
      description: `preview ${filler}`,
    }))
    const releases = Array.from({ length: 200 }, (_, place) => ({
      version: `1.0.${200 - place}`,
      description: `${place === 0 ? 'shown' : 'older'} ${filler}`,
    }))
    const charts = {
      before: [{ version: '1.0.0' }],
      long: [...previews, ...releases],
      then: [{ version: '1.0.0' }],
    }
    assert.deepEqual(await search('shown', charts), ['long'])
    assert.deepEqual(await search('preview', charts), [])
    assert.deepEqual(await search('older', charts), [])
    assert.deepEqual(await search('', charts), ['before', 'long', 'then'])
  })
})

describe('a context path in a RenderedIndex', () => {
  const source = { revision: 1, changedAt: new Date(0), versions: [] }
  const go = (): undefined => undefined

  it('is in its head, also at later revisions and for those who see less', async () => {
    const index = await RenderedIndex.render(source, '/museum')
    const later = await index.update({ ...source, revision: 2 }, go)
    for (const same of [index, later, await index.restrictedTo(() => false, go)]) {
      const { serverInfo } = JSON.parse(Buffer.concat([...same.toBuffers()]).toString()) as {
        serverInfo: unknown
      }
      assert.deepEqual(serverInfo, { contextPath: '/museum' })
      assert.equal(same.rendering, index.rendering)
    }
  })

  it('makes another rendering', async () => {
    const moved = await RenderedIndex.render(source, '/museum')
    assert.notEqual(moved.rendering, (await RenderedIndex.render(source)).rendering)
  })
})
