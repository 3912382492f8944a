import assert from 'node:assert/strict'
import { LineBuffer } from '../../../src/ops/line-buffer.ts'

describe('LineBuffer', () => {
  let written: string[]

  beforeEach(() => {
    written = []
  })

  function take(bytes: Buffer): number {
    written.push(bytes.toString())
    return bytes.length
  }

  it('writes lines together, never more than a pipe takes at once, and no line in two parts', () => {
    const lines = new LineBuffer(take)
    for (let count = 0; count < 100; count += 1) lines.write(`${'x'.repeat(299)}\n`)
    lines.flush()
    assert.equal(written.join('').length, 30_000)
    assert.ok(written.length < 12)
    assert.ok(written.every((text) => text.length <= 4096 && text.length % 300 === 0))
  })

  it('writes a line that is larger than that on its own', () => {
    const lines = new LineBuffer(take)
    lines.write('small\n')
    lines.write('x'.repeat(10_000))
    assert.deepEqual(
      written.map(({ length }) => length),
      [6, 10_000],
    )
  })

  it('goes on where a busy reader has stopped', () => {
    let isBusy = false
    const lines = new LineBuffer((bytes) => {
      if (isBusy) throw Object.assign(new Error('busy'), { code: 'EAGAIN' })
      isBusy = true
      return take(bytes.subarray(0, 3))
    })
    lines.write('123456\n')
    lines.flush()
    isBusy = false
    lines.flush()
    isBusy = false
    lines.flush()
    assert.equal(written.join(''), '123456\n')
  })

  it('lets go of what a reader that is gone will never read', () => {
    let attempts = 0
    const lines = new LineBuffer(() => {
      attempts += 1
      throw Object.assign(new Error('gone'), { code: 'EPIPE' })
    })
    for (let count = 0; count < 3; count += 1) {
      lines.write('line\n')
      lines.flush()
      lines.flush()
    }
    assert.equal(attempts, 3)
  })

  it('holds a bounded amount for a reader that stays busy', () => {
    let offered = 0
    const lines = new LineBuffer((bytes) => {
      offered = Math.max(offered, bytes.length)
      throw Object.assign(new Error('busy'), { code: 'EAGAIN' })
    })
    for (let count = 0; count < 10_000; count += 1) lines.write(`${'x'.repeat(999)}\n`)
    assert.ok(offered > 100_000 && offered < 1.1 * 1024 * 1024, `${offered} bytes`)
  })
})
