import assert from 'node:assert/strict'
import fc from 'fast-check'
import { jsonForYaml } from '../../../src/repoindex/entry.ts'
import { RenderedIndex, type IndexSource } from '../../../src/repoindex/rendered-index.ts'

const at = new Date('2026-01-02T03:04:05Z')

function source(charts: Record<string, readonly string[]>, revision = 1): IndexSource {
  const names = Object.keys(charts).sort()
  return { revision, changedAt: at, charts: names.map((name) => ({ name, fragments: charts[name] ?? [] })) }
}

function entriesOf(index: RenderedIndex): unknown {
  return (JSON.parse(textOf(index)) as { readonly entries: unknown }).entries
}

function textOf(index: RenderedIndex): string {
  return Buffer.concat([...index.toBuffers()]).toString()
}

/** A fragment large enough that a few charts fill a segment. */
function bulky(name: string): string {
  return JSON.stringify({ name, description: 'x'.repeat(200_000) })
}

describe('RenderedIndex', () => {
  it('is the index that Helm reads, in JSON', () => {
    const index = RenderedIndex.render(
      source({ b: ['{"version":"2.0.0"}', '{"version":"1.0.0"}'], a: ['{}'] }),
    )
    assert.deepEqual(JSON.parse(textOf(index)), {
      apiVersion: 'v1',
      generated: at.toISOString(),
      serverInfo: { contextPath: '' },
      entries: { a: [{}], b: [{ version: '2.0.0' }, { version: '1.0.0' }] },
    })
  })

  it('is a valid index without charts', () => {
    assert.deepEqual(entriesOf(RenderedIndex.render(source({}))), {})
  })

  it('gives the entries alone for the API', () => {
    const index = RenderedIndex.render(source({ a: ['{}'] }))
    assert.deepEqual(JSON.parse(Buffer.concat([...index.entriesToBuffers()]).toString()), { a: [{}] })
  })

  it('shares every segment in which nothing changed', () => {
    const charts = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, [bulky(name)]]),
    )
    const first = RenderedIndex.render(source(charts))
    const second = first.update(source({ g: ['{}'] }, 2))
    const [, ...before] = first.toBuffers()
    const [, ...after] = second.toBuffers()
    assert.equal(second.revision, 2)
    assert.equal(before[0]?.buffer, after[0]?.buffer)
    assert.equal(before[1]?.buffer, after[1]?.buffer)
    assert.notEqual(before[2]?.buffer, after[2]?.buffer)
  })

  it('shows only the charts that a scope covers', () => {
    const index = RenderedIndex.render(source({ a: ['{}'], b: ['{}'], c: ['{}'] }))
    assert.deepEqual(entriesOf(index.restrictedTo((name) => name !== 'b')), { a: [{}], c: [{}] })
    assert.deepEqual(entriesOf(index.restrictedTo(() => false)), {})
  })

  it('is after any sequence of changes what a fresh rendering gives', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'aa', 'ba')
    const fragments = fc.constantFrom(
      [],
      ['{}'],
      ['{"v":1}', '{"v":2}'],
      [bulky('x')],
      [bulky('x'), bulky('y')],
    )
    const change = fc.dictionary(name, fragments, { maxKeys: 3 })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        let index = RenderedIndex.render(source({}))
        let state: Record<string, readonly string[]> = {}
        for (const [place, step] of changes.entries()) {
          state = { ...state, ...step }
          index = index.update(source(step, place + 2))
        }
        const fresh = RenderedIndex.render(source(state, index.revision))
        assert.equal(textOf(index), textOf(fresh))
      }),
      { numRuns: 60 },
    )
  })
})

describe('jsonForYaml', () => {
  it('escapes what YAML 1.1 cannot print, and nothing else', () => {
    assert.equal(jsonForYaml('a\u007f\u0085\u2028\ufeffé😀'), '"a\\u007f\\u0085\\u2028\\ufeffé😀"')
  })
})
