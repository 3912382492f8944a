import assert from 'node:assert/strict'
import { parseChartName } from '../../../src/chart/name.ts'
import { refusal } from './archive-refusals.ts'

describe('parseChartName', () => {
  for (const name of ['a', '0', 'demo', 'cert-manager', 'a.b_c-d', 'a1-2b', 'x'.repeat(250)]) {
    it(`accepts ${name.slice(0, 20)}`, () => {
      assert.equal(parseChartName(name), name)
    })
  }

  const refused = [
    ...[
      '',
      'Demo',
      '-a',
      'a-',
      '.a',
      'a.',
      '_a',
      'a--b',
      'a..b',
      'a._b',
      'a/b',
      'a\\b',
      'a b',
      'a+b',
      'a:b',
      'é',
    ],
    ...['..', '.', 'a\n', '\na', 'a\0', 'x'.repeat(251)],
  ]
  for (const name of refused) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.throws(() => parseChartName(name), refusal('not a chart name'))
    })
  }
})
