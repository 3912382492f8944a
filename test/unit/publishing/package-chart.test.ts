import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { readChartArchive } from '../../../src/chart/archive.ts'
import { openChart, type PackageOptions } from '../../../src/publishing/package-chart.ts'
import { chart } from '../../support/chart-builder.ts'
import { memberNames, writeTree } from '../../support/chart-tree.ts'

const CHART_YAML = 'apiVersion: v2\nname: demo\nversion: 0.1.0 # ours\nfuture: kept\n'
const SUBCHART_YAML = 'apiVersion: v2\nname: sub\nversion: 1.0.0\n'

describe('openChart', () => {
  let folder: string
  let directory: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-package-'))
    directory = join(folder, 'any-name')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function open(
    files: Readonly<Record<string, string | Buffer>>,
    options: Partial<PackageOptions> = {},
  ) {
    await writeTree(directory, { 'Chart.yaml': CHART_YAML, ...files })
    return openChart(directory, { provenance: 'beside', ...options })
  }

  async function assertRefused(
    files: Readonly<Record<string, string | Buffer>>,
    message: RegExp,
    options: Partial<PackageOptions> = {},
  ): Promise<void> {
    await assert.rejects(open(files, options), (error: Error & { code: string }) => {
      assert.match(error.message, message)
      return error.code === 'chart-invalid' || error.code === 'request-invalid'
    })
  }

  describe('of a chart directory', () => {
    it('packages the files below a directory named as the chart, their bytes as they are', async () => {
      const { archive, filename, metadata } = await open({ 'values.yaml': 'a: 1\n', 'files/empty': '' })
      assert.equal(filename, 'demo-0.1.0.tgz')
      assert.equal(metadata.name, 'demo')
      assert.deepEqual(await memberNames(archive, folder), [
        'demo/Chart.yaml',
        'demo/files/empty',
        'demo/values.yaml',
      ])
      assert.ok(gunzipSync(archive).includes(CHART_YAML))
    })

    it('gives the same bytes for the same files, whatever their times, modes and owners are', async () => {
      const long = `files/${'long-name-'.repeat(12)}/${'ü'.repeat(40)}.txt`
      const files = { 'values.yaml': 'a: 1\n', 'templates/a.yaml': 'x', [long]: 'y' }
      const first = await open(files)
      await rm(directory, { recursive: true })
      await writeTree(directory, { [long]: 'y', 'templates/a.yaml': 'x' })
      await utimes(join(directory, long), 1, 1)
      await chmod(join(directory, 'templates/a.yaml'), 0o777)
      const second = await open(files)
      assert.deepEqual(second.archive, first.archive)
      assert.equal(second.digest, first.digest)
    })

    it('writes nothing of this machine into the headers', async () => {
      const { archive } = await open({ 'values.yaml': 'a: 1\n' })
      assert.deepEqual([archive.readUInt32LE(4), archive[9]], [0, 255])
      const file = join(folder, 'demo.tgz')
      await writeFile(file, archive)
      const listing = execFileSync('tar', ['--utc', '--numeric-owner', '-tvzf', file], { encoding: 'utf8' })
      for (const line of listing.trim().split('\n'))
        assert.match(line, /^-rw-r--r-- 0\/0 .* 1980-01-01 00:00 /)
    })

    it('leaves out what .helmignore names, and keeps .helmignore itself', async () => {
      const { archive } = await open({
        '.helmignore': '*.md\nsecret/\n',
        'README.md': 'x',
        'secret/key': 'x',
        'values.yaml': '',
      })
      assert.deepEqual(await memberNames(archive, folder), [
        'demo/.helmignore',
        'demo/Chart.yaml',
        'demo/values.yaml',
      ])
    })

    it('takes another version and application version, and writes Chart.yaml anew only then', async () => {
      const { archive, filename } = await open({}, { version: '2.0.0-rc.1', appVersion: '1.10' })
      assert.equal(filename, 'demo-2.0.0-rc.1.tgz')
      const { metadata } = await readChartArchive(Readable.from([archive]))
      assert.deepEqual([metadata.version, metadata.appVersion], ['2.0.0-rc.1', '1.10'])
      assert.equal(await readFile(join(directory, 'Chart.yaml'), 'utf8'), CHART_YAML)
    })

    it('refuses a version that is none', async () => {
      await assertRefused({}, /not a SemVer 2 version: "latest"/, { version: 'latest' })
    })

    it('refuses a provenance file, which can only be about other bytes', async () => {
      await assertRefused({}, /is for a packaged chart/, { provenance: { file: 'demo.prov' } })
    })

    it('refuses a directory without Chart.yaml', async () => {
      await mkdir(directory)
      await assert.rejects(openChart(directory, { provenance: 'none' }), {
        code: 'chart-invalid',
        message: /no chart: it has no Chart.yaml/,
      })
    })

    it('refuses what the server would refuse', async () => {
      await assertRefused({ 'values.yaml': '- a\n' }, /values.yaml/)
    })

    it('refuses a file that is larger than Helm takes', async () => {
      await assertRefused({ big: Buffer.alloc(5 * 1024 * 1024 + 1) }, /"big" is larger than 5242880 bytes/)
    })

    it('refuses a named pipe, and does not wait for one', async () => {
      await mkdir(directory)
      execFileSync('mkfifo', [join(directory, 'pipe')])
      await assertRefused({}, /"pipe" is neither a file nor a directory/)
    })
  })

  describe('of a chart directory with links', () => {
    it('follows those that stay in the chart', async () => {
      await mkdir(directory)
      await symlink('values.yaml', join(directory, 'copy.yaml'))
      await symlink('files', join(directory, 'same'))
      const { archive } = await open({ 'values.yaml': 'a: 1\n', 'files/a': 'x' })
      assert.deepEqual(await memberNames(archive, folder), [
        'demo/Chart.yaml',
        'demo/copy.yaml',
        'demo/files/a',
        'demo/same/a',
        'demo/values.yaml',
      ])
    })

    it('packages a chart that is itself reached by a link', async () => {
      await open({})
      await symlink(directory, join(folder, 'link'))
      const { filename } = await openChart(join(folder, 'link'), { provenance: 'none' })
      assert.equal(filename, 'demo-0.1.0.tgz')
    })

    it('refuses to carry out what is not in the chart, a file or a directory', async () => {
      await writeTree(folder, { 'any-name-too/key': 'secret' })
      await mkdir(directory)
      await symlink('../any-name-too/key', join(directory, 'link'))
      await assertRefused({}, /the link "link" leads out of the chart/)
      await rm(join(directory, 'link'))
      await symlink('../any-name-too', join(directory, 'link'))
      await assertRefused({}, /the link "link" leads out of the chart/)
    })

    it('refuses to look into a directory that a link leads out of by several steps', async () => {
      await writeTree(folder, { 'outside/key': 'secret' })
      await mkdir(join(directory, 'inner'), { recursive: true })
      await symlink('../../outside', join(directory, 'inner/out'))
      await symlink('inner/out/key', join(directory, 'link'))
      await assertRefused({ '.helmignore': 'inner/\n' }, /the link "link" leads out of the chart/)
    })

    it('takes no rules from a .helmignore outside of the chart', async () => {
      await writeTree(folder, { rules: '*.md\n' })
      await mkdir(directory)
      await symlink('../rules', join(directory, '.helmignore'))
      await assertRefused({}, /the link ".helmignore" leads out of the chart/)
    })

    it('refuses a link that leads back, and one that leads nowhere', async () => {
      await mkdir(directory)
      await symlink('.', join(directory, 'loop'))
      await assertRefused({}, /the link "loop" leads back to where it is/)
      await rm(join(directory, 'loop'))
      await symlink('gone', join(directory, 'broken'))
      await assertRefused({}, /"broken" cannot be read, or is a link that leads nowhere/)
    })

    it('leaves out those that .helmignore names, wherever they lead', async () => {
      await mkdir(directory)
      await symlink('/etc/passwd', join(directory, 'outside'))
      await symlink('gone', join(directory, 'broken'))
      const { archive } = await open({ '.helmignore': 'outside\nbroken\n' })
      assert.deepEqual(await memberNames(archive, folder), ['demo/.helmignore', 'demo/Chart.yaml'])
    })
  })

  describe('of a chart directory with subcharts', () => {
    const dependency = (name: string) => ({ 'Chart.yaml': `${CHART_YAML}dependencies: [{name: ${name}}]\n` })

    it('keeps directories and packaged charts, and passes over what Helm passes over', async () => {
      const { archive } = await open({
        'charts/sub/Chart.yaml': SUBCHART_YAML,
        'charts/sub/charts/_draft/Chart.yaml': SUBCHART_YAML,
        'charts/other-1.0.0.tgz': await chart({ name: 'other', version: '1.0.0' }),
        'charts/other-1.0.0.tgz.prov': 'x',
        'charts/.hidden': 'x',
        'charts/_off/values.yaml': '',
      })
      assert.deepEqual(await memberNames(archive, folder), [
        'demo/Chart.yaml',
        'demo/charts/other-1.0.0.tgz',
        'demo/charts/other-1.0.0.tgz.prov',
        'demo/charts/sub/Chart.yaml',
      ])
    })

    it('finds a dependency as a directory by its name, and as a packaged chart by its file name', async () => {
      await open({ ...dependency('sub'), 'charts/renamed/Chart.yaml': SUBCHART_YAML })
      await rm(join(directory, 'charts'), { recursive: true })
      await open({
        ...dependency('sub'),
        'charts/sub-1.0.0.tgz': await chart({ name: 'sub', version: '1.0.0' }),
      })
    })

    it('refuses a chart whose dependencies are missing', async () => {
      await assertRefused(
        { ...dependency('missing'), 'charts/sub/Chart.yaml': SUBCHART_YAML },
        /dependencies are missing in charts\/: "missing"; "helm dependency build"/,
      )
    })

    it('refuses dependencies of requirements.yaml that are missing', async () => {
      const chartYaml = 'apiVersion: v1\nname: demo\nversion: 0.1.0\n'
      const requirements = 'dependencies: [{name: sub, version: 1.0.0, repository: ""}]\n'
      await assertRefused(
        { 'Chart.yaml': chartYaml, 'requirements.yaml': requirements },
        /missing in charts\/: "sub"/,
      )
    })

    it('refuses other things in charts/, with which Helm could not load it', async () => {
      await assertRefused({ 'charts/README.md': 'x' }, /"charts\/README.md" is no chart/)
      await rm(join(directory, 'charts'), { recursive: true })
      await assertRefused({ 'charts/sub/values.yaml': '' }, /"charts\/sub" is no chart/)
    })
  })

  describe('of a packaged chart', () => {
    async function write(name: string): Promise<string> {
      const path = join(folder, name)
      await writeFile(path, await chart({ name: 'demo', version: '0.1.0' }))
      return path
    }

    it('takes the bytes as they are, and the .prov beside', async () => {
      const path = await write('demo-0.1.0.tgz')
      await writeFile(`${path}.prov`, 'signed')
      const { archive, provenance, filename } = await openChart(path, { provenance: 'beside' })
      assert.deepEqual(archive, await readFile(path))
      assert.deepEqual([String(provenance), filename], ['signed', 'demo-0.1.0.tgz'])
    })

    it('takes none where there is none, or none is wanted, or another one', async () => {
      const path = await write('demo-0.1.0.tgz')
      assert.equal((await openChart(path, { provenance: 'beside' })).provenance, undefined)
      await writeFile(`${path}.prov`, 'signed')
      assert.equal((await openChart(path, { provenance: 'none' })).provenance, undefined)
      await writeFile(join(folder, 'other'), 'other')
      const { provenance } = await openChart(path, { provenance: { file: join(folder, 'other') } })
      assert.equal(String(provenance), 'other')
    })

    const refused: readonly (readonly [string, string, Partial<PackageOptions>, RegExp])[] = [
      ['another version', 'demo.tgz', { version: '2.0.0' }, /another version is for a chart directory/],
      ['a path where nothing is', 'gone.tgz', {}, /gone.tgz does not exist/],
      [
        'a provenance file that is not there',
        'demo.tgz',
        { provenance: { file: 'gone.prov' } },
        /gone.prov does not exist/,
      ],
    ]
    for (const [what, name, options, message] of refused) {
      it(`refuses ${what}`, async () => {
        await write('demo.tgz')
        await assert.rejects(openChart(join(folder, name), { provenance: 'beside', ...options }), {
          code: 'request-invalid',
          message,
        })
      })
    }

    it('refuses a file that is no chart', async () => {
      await writeFile(join(folder, 'text.tgz'), 'text')
      await assert.rejects(openChart(join(folder, 'text.tgz'), { provenance: 'beside' }), {
        code: 'chart-invalid',
      })
    })
  })
})
