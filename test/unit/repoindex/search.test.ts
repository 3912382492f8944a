import assert from 'node:assert/strict'
import { RenderedIndex } from '../../../src/repoindex/rendered-index.ts'
import { searchSegment } from '../../../src/repoindex/search.ts'

function search(text: string, charts: Readonly<Record<string, readonly object[]>>): readonly string[] {
  const index = RenderedIndex.render({
    revision: 1,
    changedAt: new Date(),
    charts: Object.entries(charts).map(([name, versions]) => ({
      name,
      fragments: versions.map((version) => JSON.stringify(version)),
    })),
  })
  return index.segments.flatMap((segment) => searchSegment(segment, text))
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

describe('searchSegment', () => {
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
    it(`finds ${names.join(', ') || 'nothing'} for ${text}`, () => {
      assert.deepEqual(search(text, CHARTS), names)
    })
  }
})

describe('a context path in a RenderedIndex', () => {
  const source = { revision: 1, changedAt: new Date(0), charts: [] }

  it('is in its head, also at later revisions and for those who see less', () => {
    const index = RenderedIndex.render(source, '/museum')
    for (const same of [index, index.update({ ...source, revision: 2 }), index.restrictedTo(() => false)]) {
      const { serverInfo } = JSON.parse(Buffer.concat([...same.toBuffers()]).toString()) as {
        serverInfo: unknown
      }
      assert.deepEqual(serverInfo, { contextPath: '/museum' })
      assert.equal(same.rendering, index.rendering)
    }
  })

  it('makes another rendering', () => {
    assert.notEqual(RenderedIndex.render(source, '/museum').rendering, RenderedIndex.render(source).rendering)
  })
})
