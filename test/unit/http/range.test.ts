import assert from 'node:assert/strict'
import { selectRange } from '../../../src/http/range.ts'

describe('selectRange', () => {
  const cases: readonly (readonly [string, ReturnType<typeof selectRange>])[] = [
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=2-5', { start: 2, end: 5 }],
    ['bytes=2-', { start: 2, end: 9 }],
    ['bytes=5-100', { start: 5, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-100', { start: 0, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    ['bytes=a-b', undefined],
  ]
  for (const [range, expected] of cases) {
    it(`reads ${range} of 10 bytes as ${expected === undefined ? 'the whole' : JSON.stringify(expected)}`, () => {
      assert.deepEqual(selectRange({ range }, 10, '"x"'), expected)
    })
  }

  it('sends the whole when If-Range names something else', () => {
    assert.equal(selectRange({ range: 'bytes=0-1', 'if-range': '"y"' }, 10, '"x"'), undefined)
    assert.deepEqual(selectRange({ range: 'bytes=0-1', 'if-range': '"x"' }, 10, '"x"'), { start: 0, end: 1 })
  })

  it('has nothing to select from an empty file', () => {
    assert.equal(selectRange({ range: 'bytes=-1' }, 0, undefined), 'unsatisfiable')
  })
})
