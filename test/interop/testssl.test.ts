import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requireTool } from '../support/optional-tool.ts'
import { TestServer } from '../support/test-server.ts'

/** Protocols, cipher categories, forward secrecy and known attacks; the certificate is a test's own. */
const CHECKS = ['--protocols', '--std', '--fs', '--vulnerable']
/** Findings that are none. */
const FINE = new Set(['OK', 'INFO', 'LOW', 'DEBUG'])

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

describe('testssl.sh', () => {
  let folder: string
  let server: TestServer

  before(async function () {
    requireTool(this, 'testssl', 'what testssl.sh finds')
    folder = await mkdtemp(join(tmpdir(), 'chartroom-testssl-'))
    server = await TestServer.start()
  })

  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  it('finds nothing worth more than a "low"', async () => {
    const report = join(folder, 'report.json')
    const quiet = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1']
    await promisify(execFile)('testssl', [
      ...quiet,
      ...CHECKS,
      '--jsonfile',
      report,
      `localhost:${server.port}`,
    ])
    const findings = JSON.parse(await readFile(report, 'utf8')) as readonly Finding[]
    assert.ok(findings.length > 30, `${findings.length} findings`)
    assert.deepEqual(
      findings.filter(({ severity }) => !FINE.has(severity)).map(({ id, finding }) => `${id}: ${finding}`),
      [],
    )
  }).timeout(300_000)
})
