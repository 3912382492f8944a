import assert from 'node:assert/strict'
import { parseSourceIndex } from '../../../src/transfer/source-index.ts'

const DIGEST = 'ab'.repeat(32)

describe('parseSourceIndex', () => {
  it('reads YAML and JSON alike', () => {
    const yaml = `entries:\n  demo:\n  - name: demo\n    version: 1.0.0\n    urls: [a.tgz]\n    created: 2020-01-02T03:04:05.678901234Z\n    digest: sha256:${DIGEST}\n`
    const json = JSON.stringify({
      entries: {
        demo: [
          {
            name: 'demo',
            version: '1.0.0',
            urls: ['a.tgz'],
            created: '2020-01-02T03:04:05.678Z',
            digest: DIGEST,
          },
        ],
      },
    })
    const expected = [
      {
        name: 'demo',
        version: '1.0.0',
        urls: ['a.tgz'],
        createdAt: new Date('2020-01-02T03:04:05.678Z'),
        digest: DIGEST,
      },
    ]
    assert.deepEqual(parseSourceIndex(yaml), expected)
    assert.deepEqual(parseSourceIndex(json), expected)
  })

  it("leaves out what makes no sense, and Go's zero time", () => {
    const text = `entries:\n  a: none\n  demo:\n  - {name: demo, version: 1.0, created: "0001-01-01T00:00:00Z", digest: x}\n`
    assert.deepEqual(parseSourceIndex(text), [{ name: 'demo', version: '', urls: [] }])
  })

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a page', '<html>', /it has no entries/],
    ['a list of nothing', 'entries:\n', /it has no entries/],
    ['broken YAML', 'entries: [', /cannot be parsed/],
    ['broken JSON', '{"entries"', /cannot be parsed/],
  ]
  for (const [what, text, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseSourceIndex(text), { code: 'request-invalid', message })
    })
  }
})
