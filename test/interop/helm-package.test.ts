import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageChart } from '../../src/publishing/package-chart.ts'
import { chart } from '../support/chart-builder.ts'
import { memberNames, writeTree } from '../support/chart-tree.ts'
import { helmBinaries, runHelm } from '../support/helm-binaries.ts'

const CHART_YAML = `apiVersion: v2
name: demo
version: 0.1.0
dependencies:
- { name: sub, version: 1.0.0, repository: "" }
`
const CONFIG_MAP =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { a: {{ .Values.a | quote }} }\n'

/** Every kind of place that a rule can be about. */
const TREE = {
  'Chart.yaml': CHART_YAML,
  'values.yaml': 'a: from-values\n',
  'values.schema.json': '{}',
  'README.md': 'x',
  LICENSE: 'x',
  '.hidden': 'x',
  'files/a.txt': 'x',
  'files/b.TXT': 'x',
  'files/nested/a.txt': 'x',
  'files/nested/[odd] *name*': 'x',
  'files/ünïcode.txt': 'x',
  'templates/a.yaml': CONFIG_MAP,
  'templates/.swp': 'x',
  'templates/NOTES.txt': 'hello\n',
  'templates/tests/t.yaml': '# nothing\n',
  'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
  'charts/sub/values.yaml': 'b: 1\n',
  'charts/sub/templates/.swp': '# nothing\n',
  'charts/sub/templates/b.yaml': '# nothing\n',
  'charts/sub/README.md': 'x',
  'charts/_draft/values.yaml': 'x',
  'charts/.DS_Store': 'x',
  'ci/values.yaml': 'x',
}

const RULES = {
  'no rules': '',
  'a name anywhere': 'a.txt\n',
  'a suffix': '*.md\n# *.yaml\n',
  'a directory': 'nested/\n',
  'a path': 'files/a.txt\n',
  'a path from the root': '/README.md\n/a.txt\n',
  'a pattern that crosses no slash': 'files/*.txt\n',
  'classes and escapes': '[A-L]*E\nfiles/nested/\\[odd\\] \\*name\\*\nfiles/?.T[^Y]T\n',
  'a character that is not ASCII': 'files/?n*.txt\n',
  'names with a dot': '.*\n',
  'a directory that is a file': 'LICENSE/\n',
  'blanks around': '  LICENSE \t\r\n',
  'a file in a subchart': 'charts/sub/README.md\n',
}

describe('packaging like real Helm', () => {
  const helms = helmBinaries()
  let home: string
  let directory: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'chartroom-packaging-'))
    directory = join(home, 'source')
    await writeTree(directory, TREE)
    await mkdir(join(home, 'out'))
  })

  afterEach(async () => {
    await rm(home, { recursive: true })
  })

  for (const helm of helms) {
    describe(`${helm.name} (${helm.version})`, () => {
      async function helmPackage(): Promise<Buffer> {
        const { code, stderr } = await runHelm(helm, ['package', directory, '-d', join(home, 'out')], {
          home,
        })
        assert.equal(code, 0, stderr)
        return readFile(join(home, 'out/demo-0.1.0.tgz'))
      }

      for (const [what, rules] of Object.entries(RULES)) {
        it(`packages the same members with ${what} in .helmignore`, async () => {
          await writeFile(join(directory, '.helmignore'), rules)
          const { archive } = await packageChart(directory, { provenance: 'none' })
          assert.deepEqual(await memberNames(archive, home), await memberNames(await helmPackage(), home))
        })
      }

      it('packages the same members where links lead to others', async () => {
        await symlink('nested', join(directory, 'files/linked'))
        await symlink('../README.md', join(directory, 'files/readme'))
        const { archive } = await packageChart(directory, { provenance: 'none' })
        assert.deepEqual(await memberNames(archive, home), await memberNames(await helmPackage(), home))
      })

      it('refuses the same rules', async () => {
        for (const rule of ['a/**/b', '[a-']) {
          await writeFile(join(directory, '.helmignore'), rule)
          await assert.rejects(packageChart(directory, { provenance: 'none' }), { code: 'chart-invalid' })
          const { code } = await runHelm(helm, ['package', directory, '-d', join(home, 'out')], { home })
          assert.notEqual(code, 0, rule)
        }
      })

      it('loads, lints and renders what we package', async () => {
        await writeTree(directory, {
          'Chart.yaml': `${CHART_YAML}- { name: other, version: 1.0.0, repository: "" }\n`,
          'charts/other-1.0.0.tgz': await chart({ name: 'other', version: '1.0.0' }),
        })
        const { archive } = await packageChart(directory, {
          version: '9.9.9',
          appVersion: '1.10',
          provenance: 'none',
        })
        const file = join(home, 'demo-9.9.9.tgz')
        await writeFile(file, archive)
        const shown = await runHelm(helm, ['show', 'chart', file], { home })
        assert.match(shown.stdout, /appVersion: "1.10"[^]*version: 9\.9\.9/, shown.stderr)
        const rendered = await runHelm(helm, ['template', 'x', file], { home })
        assert.equal(rendered.code, 0, rendered.stderr)
        assert.match(rendered.stdout, /a: "from-values"/)
        assert.match(rendered.stdout, /# Source: demo\/charts\/other\/templates\/configmap.yaml/)
        const linted = await runHelm(helm, ['lint', file], { home })
        assert.equal(linted.code, 0, linted.stdout)
      })
    })
  }
})
