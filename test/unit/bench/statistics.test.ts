import assert from 'node:assert/strict'
import { median, pairedRatios, quantile, spreadOf } from '../../../bench/report/statistics.ts'

describe('the statistics of the benchmark', () => {
  it('take quantiles between the nearest values, whatever the order', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5)
    assert.equal(quantile([4, 1, 3, 2, 5], 0.99), 4.96)
    assert.equal(median([7]), 7)
    assert.ok(Number.isNaN(median([])))
  })

  it('tell the quartiles', () => {
    assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { lower: 2, median: 3, upper: 4 })
  })

  it('divide pair by pair, so that a slow minute counts for both', () => {
    const slowedTenfold = [1, 10, 1]
    const ratios = pairedRatios(
      slowedTenfold.map((factor) => 3 * factor),
      slowedTenfold.map((factor) => 2 * factor),
    )
    assert.deepEqual(ratios, { lower: 1.5, median: 1.5, upper: 1.5 })
  })

  it('refuse measurements without their pair', () => {
    assert.throws(() => pairedRatios([1, 2], [1]), /without their pair/)
  })
})
