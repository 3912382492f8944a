import assert from 'node:assert/strict'
import { createTransferProgress } from '../../../src/cli/transfer-progress.ts'

describe('createTransferProgress', () => {
  function written(steps: number, total: number | undefined, columns: number | undefined): readonly string[] {
    const parts: string[] = []
    const progress = createTransferProgress('importing', total, {
      write: (text) => parts.push(text),
      columns,
    })
    for (let step = 0; step < steps; step += 1) progress.step()
    progress.end()
    return parts
  }

  it('draws a bar on a terminal and leaves nothing of it', () => {
    const parts = written(2, 4, 60)
    assert.equal(parts[1], `\r\x1b[Kimporting [${'#'.repeat(10)}${'.'.repeat(10)}] 2 of 4`)
    assert.equal(parts.at(-1), '\r\x1b[K')
  })

  it('never fills the line, which would wrap', () => {
    for (const part of written(3, 4, 12)) assert.ok(part.replace('\r\x1b[K', '').length < 12)
  })

  it('writes a line now and then elsewhere', () => {
    assert.deepEqual(written(1001, undefined, undefined), ['importing 500\n', 'importing 1000\n'])
    assert.deepEqual(written(3, 4, undefined), [])
  })
})
