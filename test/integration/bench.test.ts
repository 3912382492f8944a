import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Result } from '../../bench/report/result.ts'
import { requireTool } from '../support/optional-tool.ts'

const MAIN = join(import.meta.dirname, '../../bench/main.ts')

describe('the benchmark', () => {
  let results: string

  before(async function () {
    requireTool(this, 'taskset', 'the benchmark')
    results = await mkdtemp(join(tmpdir(), 'chartroom-test-'))
  })

  after(async () => {
    await rm(results, { recursive: true })
  })

  it('measures a request and leaves its result', async () => {
    const options = ['--works', 'new-1k', '--peers', 'none', '--rounds', '1', '--seconds', '0.1']
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...options, '--results', results])
    assert.match(stdout, /\| new connection \+ 1 KB \| \d+/)
    const result = JSON.parse(await readFile(join(results, 'new-1k.json'), 'utf8')) as Result
    assert.equal(result.about.node, process.version)
    assert.ok((result.serving?.[0]?.cpuMicros.chartroom?.median ?? 0) > 0)
  })

  it('says what it cannot do', async () => {
    await assert.rejects(
      promisify(execFile)(process.execPath, [MAIN, '--works', 'nothing']),
      /there is no work nothing/,
    )
  })
})
