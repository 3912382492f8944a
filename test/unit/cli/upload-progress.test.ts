import assert from 'node:assert/strict'
import { createProgress } from '../../../src/cli/upload-progress.ts'

const MIB = 1024 * 1024
const ERASE_LINE = '\r\u001b[K'

describe('createProgress', () => {
  let written: string[]

  beforeEach(() => {
    written = []
  })

  function progress(mode: 'shown' | 'quiet', columns?: number) {
    return createProgress(mode, { write: (text) => written.push(text), columns })
  }

  it('draws a bar that fits the terminal, and draws it anew only when it has changed', () => {
    const bar = progress('shown', 60)
    bar.begin('demo-0.1.0.tgz', 2 * MIB)
    bar.advance(MIB)
    bar.advance(1)
    assert.deepEqual(written, [
      `${ERASE_LINE}demo-0.1.0.tgz [${'.'.repeat(26)}]   0% of 2.0 MiB`,
      `${ERASE_LINE}demo-0.1.0.tgz [${'#'.repeat(13)}${'.'.repeat(13)}]  50% of 2.0 MiB`,
    ])
  })

  it('never writes a line that would wrap', () => {
    const bar = progress('shown', 20)
    bar.begin('a-chart-with-a-long-name-0.1.0.tgz', MIB)
    assert.deepEqual(written, [`${ERASE_LINE}a-chart-with-a-long`])
  })

  it('takes a terminal that does not know its width for a usual one', () => {
    const bar = progress('shown', 0)
    bar.begin('demo-0.1.0.tgz', 2000)
    assert.deepEqual(written, [`${ERASE_LINE}demo-0.1.0.tgz [${'.'.repeat(40)}]   0% of 2.0 KiB`])
  })

  it('erases the bar before a note and at the end, and only where there is one', () => {
    const bar = progress('shown', 20)
    bar.begin('x', 10)
    written.length = 0
    bar.note('trying again')
    bar.end()
    assert.deepEqual(written, [ERASE_LINE, 'trying again\n'])
  })

  it('begins anew with each attempt', () => {
    const bar = progress('shown', 20)
    bar.begin('x', 10)
    bar.advance(10)
    bar.begin('x', 10)
    assert.match(written.at(-1) ?? '', /0% of 10 B$/)
  })

  it('writes lines where there is no terminal, and nothing for each byte', () => {
    const lines = progress('shown')
    lines.begin('x', 1536)
    lines.advance(100)
    lines.note('trying again')
    lines.end()
    assert.deepEqual(written, ['sending x (1.5 KiB)\n', 'trying again\n'])
  })

  it('writes nothing when it is to be quiet', () => {
    const quiet = progress('quiet', 80)
    quiet.begin('x', 10)
    quiet.advance(10)
    quiet.note('trying again')
    quiet.end()
    assert.deepEqual(written, [])
  })
})
