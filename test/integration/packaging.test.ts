import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENTS = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']

interface PackageJson {
  readonly version: string
  readonly engines: { readonly node: string }
  readonly optionalDependencies: Readonly<Record<string, string>>
}

describe('packaging', () => {
  let manifest: PackageJson

  before(async () => {
    manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as PackageJson
  })

  describe('the built program', () => {
    let folder: string

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'chartroom-package-'))
      for (const name of DOCUMENTS) await cp(join(ROOT, name), join(folder, name))
      await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
      const tsc = join(ROOT, 'node_modules/.bin/tsc')
      // The types are checked with everything else.
      await run(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist'), '--noCheck'])
    })

    after(async () => {
      await rm(folder, { recursive: true })
    })

    it('runs without the sources, and knows its version', async () => {
      const { stdout } = await run(process.execPath, [join(folder, 'dist/main.js'), '--version'])
      assert.equal(stdout.trim(), manifest.version)
    })

    it('is packed with its documents and nothing else', async () => {
      const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
      const { stdout } = await run('npm', args, { cwd: folder })
      const [packed] = JSON.parse(stdout) as readonly [
        { readonly files: readonly { readonly path: string }[] },
      ]
      const paths = packed.files.map(({ path }) => path)
      assert.ok(paths.includes('dist/main.js'))
      assert.deepEqual(paths.filter((path) => !/^dist\/.*\.js$/.test(path)).sort(), DOCUMENTS)
    })
  })

  describe('the image', () => {
    let dockerfile: string

    before(async () => {
      dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
    })

    it('is made of files that are there, and the build gets to see no others', async () => {
      const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
        sources.split(' '),
      )
      const ignore = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n')
      const letIn = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
      assert.ok(ignore.includes('*'))
      assert.deepEqual([...new Set(copied)].sort(), letIn.sort())
      assert.deepEqual(
        copied.filter((name) => !existsSync(join(ROOT, name))),
        [],
      )
    })

    it('has the same Node as everything else', () => {
      const [, major = ''] = /^ARG NODE_IMAGE=\S*node:(\d+)/m.exec(dockerfile) ?? []
      assert.equal(manifest.engines.node, `>=${major}`)
      for (const version of Object.values(manifest.optionalDependencies)) {
        assert.equal(version.split('.')[0], major)
      }
    })
  })
})
