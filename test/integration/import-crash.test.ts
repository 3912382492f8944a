import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { Installation } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { ServerProcess } from '../support/server-process.ts'

describe('an import that is killed', () => {
  it('is completed by the same command', async () => {
    const installation = await Installation.create()
    const source = await mkdtemp(join(tmpdir(), 'chartroom-import-'))
    try {
      for (let count = 0; count < 30; count += 1) {
        await writeFile(join(source, `demo-0.${count}.0.tgz`), await chart({ version: `0.${count}.0` }))
      }
      // One at a time: the blobs of all but the last are then of versions that are recorded.
      const flags = [source, '--repository', '/', '--create', '--jobs', '1']
      const killed = ServerProcess.command(installation, 'import', ...flags)
      await eventually(async () => {
        assert.ok((await filesBelow(join(installation.storage, 'blobs')).catch(() => [])).length > 10)
      })
      await killed.kill('SIGKILL')
      assert.deepEqual(await killed.exited, { code: null, signal: 'SIGKILL' })
      const { code, stdout } = await runChartroom(['import', '--config', installation.configFile, ...flags])
      assert.equal(code, 0)
      const [, created = '', unchanged = ''] = /^(\d+) created, (\d+) unchanged/.exec(stdout) ?? []
      assert.equal(Number(created) + Number(unchanged), 30)
      assert.ok(Number(created) > 0 && Number(unchanged) > 0, stdout)
      const fsck = await runChartroom(['fsck', '--config', installation.configFile])
      assert.equal(fsck.stdout, '30 versions checked, 0 broken\n')
    } finally {
      await installation.remove()
      await rm(source, { recursive: true })
    }
  }).timeout(60_000)
})
