import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { actor } from '../support/catalog-samples.ts'
import { runChartroom, type CommandResult } from '../support/command-line.ts'
import { TestCa } from '../support/test-ca.ts'

const CONFIG = `
groups: { ops: [{ anchor: built-in, cn: olga }] }
access:
  - { who: { anchor: built-in }, may: [read], repositories: all }
  - { who: { anchor: built-in, ou: publishers }, may: [publish], repositories: [team-a] }
  - { who: { anchor: built-in, ou: publishers }, deny: [publish], repositories: all, charts: [core] }
  - { who: { group: ops }, may: [read, publish, overwrite, delete, create, admin], repositories: all }
  - { who: { anchor: built-in, cn: mallory }, deny: [read], repositories: all }
repositories: [{ name: team-a }, { name: { glob: 'sandbox/**' } }]
tls: { clientCAs: [{ name: built-in, file: ca.crt }, { name: company, file: company.crt }] }
`

describe('chartroom policy check', () => {
  let folder: string
  let ca: TestCa

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-policy-'))
    ca = await TestCa.create({ name: 'Built-in' })
    await writeFile(join(folder, 'chartroom.yaml'), CONFIG)
    await writeFile(join(folder, 'ca.crt'), ca.certificatePem)
    await writeFile(join(folder, 'company.crt'), (await TestCa.create({ name: 'Company' })).certificatePem)
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function check(...args: readonly string[]): Promise<CommandResult> {
    return runChartroom(['policy', 'check', '--config', join(folder, 'chartroom.yaml'), ...args])
  }

  async function lines(...args: readonly string[]): Promise<readonly string[]> {
    const { code, stdout, stderr } = await check(...args)
    assert.equal(code, 0, stderr)
    return stdout.trimEnd().split('\n')
  }

  it('shows everybody whom the rules name, in every configured repository', async () => {
    assert.deepEqual(await lines(), [
      'WHO                       /                                           team-a',
      'built-in (everybody)      read                                        read',
      'built-in ou:"publishers"  read                                        read,publish*',
      'group "ops"               read,publish,overwrite,delete,create,admin  read,publish,overwrite,delete,create,admin',
      'built-in cn:"mallory"     -                                           -',
      '',
      '* for some charts only',
    ])
  })

  it('also shows the repositories that the catalog has', async () => {
    const catalog = await SqliteCatalog.open({ file: join(folder, 'storage/catalog.db') })
    await catalog.createRepository(parseRepositoryName('made-later'), actor())
    await catalog.close()
    assert.match((await lines())[0] ?? '', /^WHO +\/ +made-later +team-a$/)
  })

  it('shows the repositories that are asked for, whether or not they are there', async () => {
    const [heading] = await lines('--repository', '/', '--repository', 'sandbox/x')
    assert.match(heading ?? '', /^WHO +\/ +sandbox\/x$/)
  })

  it('explains an action by the places of the rules in the file', async () => {
    const table = await lines('--explain', 'publish', '--repository', 'team-a')
    assert.deepEqual(table.slice(1), [
      'built-in (everybody)      no: nothing grants it',
      'built-in ou:"publishers"  some charts: access[1], not access[2]',
      'group "ops"               yes: access[3]',
      'built-in cn:"mallory"     no: nothing grants it',
    ])
    const [, , , , mallory] = await lines('--explain', 'read', '--repository', 'team-a')
    assert.equal(mallory, 'built-in cn:"mallory"     no: denied by access[4]')
  })

  it('decides about a chart', async () => {
    const ask = ['--identity', 'built-in/ou:publishers', '--repository', 'team-a', '--explain', 'publish']
    assert.match((await lines(...ask, '--chart', 'core'))[1] ?? '', / no: denied by access\[2\]$/)
    assert.match((await lines(...ask, '--chart', 'demo'))[1] ?? '', / yes: access\[1\]$/)
  })

  it('is JSON for programs', async () => {
    const ask = ['--identity', 'built-in/cn:x', '--identity', 'ou:publishers', '--repository', 'team-a']
    assert.deepEqual(JSON.parse((await check(...ask, '--format', 'json')).stdout), [
      {
        who: 'built-in cn:"x" ou:"publishers"',
        repository: 'team-a',
        may: ['read'],
        maySomeCharts: ['publish'],
      },
    ])
    const explained = await check(...ask, '--format', 'json', '--explain', 'publish')
    assert.deepEqual(JSON.parse(explained.stdout), [
      {
        who: 'built-in cn:"x" ou:"publishers"',
        repository: 'team-a',
        action: 'publish',
        verdict: 'partly',
        rules: ['access[1]', 'access[2]'],
      },
    ])
  })

  it('takes every kind of name', async () => {
    const names = ['cn:a', 'o:b', 'ou:c', 'uri:https://x/cn:y', 'spiffe:spiffe://x/y', 'email:a@x', 'dns:a.x']
    const [, row] = await lines(...names.flatMap((name) => ['--identity', `built-in/${name}`]))
    assert.match(row ?? '', /^built-in cn:"a" o:"b" ou:"c" uri:"https:\/\/x\/cn:y" spiffe:"spiffe:\/\/x\/y" /)
  })

  describe('for a certificate', () => {
    async function write(pem: string): Promise<string> {
      const file = join(folder, 'somebody.crt')
      await writeFile(file, pem)
      return file
    }

    it('shows what its bearer may do', async () => {
      const { cert } = await ca.client({ cn: 'olga' })
      const [, row, ...others] = await lines('--cert', await write(cert))
      assert.match(row ?? '', /^built-in cn:"olga" +read,publish,/)
      assert.deepEqual(others, [])
    })

    it('follows the intermediates in its file', async () => {
      const intermediate = await ca.intermediate('Between')
      const { cert } = await intermediate.client({ cn: 'olga' })
      assert.match((await lines('--cert', await write(cert)))[1] ?? '', /^built-in cn:"olga" +read,publish,/)
    })

    it('says when it is not valid now', async () => {
      const { cert } = await ca.expiredClient({ cn: 'olga' })
      assert.match(
        (await lines('--cert', await write(cert)))[1] ?? '',
        /^built-in cn:"olga" \(not valid now\) /,
      )
    })

    it('refuses one that chains to no trust anchor', async () => {
      const { cert } = await (await TestCa.create({ name: 'Built-in' })).client({ cn: 'olga' })
      const { code, stderr } = await check('--cert', await write(cert))
      assert.equal(code, 1)
      assert.match(stderr, /somebody\.crt: chains to none of the trust anchors \(built-in, company\)/)
    })

    it('refuses what is no certificate, or not there', async () => {
      assert.match((await check('--cert', await write('x'))).stderr, /no PEM certificate found/)
      assert.match((await check('--cert', join(folder, 'nobody.crt'))).stderr, /nobody\.crt: cannot be read/)
    })
  })

  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['a name without its kind', ['--identity', 'olga'], 2, /expected KIND:VALUE or ANCHOR\/KIND:VALUE/],
    [
      'no trust anchor where there are several',
      ['--identity', 'cn:olga'],
      1,
      /exactly one of the trust anchors/,
    ],
    [
      'an unknown trust anchor',
      ['--identity', 'x/cn:olga'],
      1,
      /exactly one of the trust anchors \(built-in, company\)/,
    ],
    ['two trust anchors', ['--identity', 'built-in/cn:a', '--identity', 'company/cn:a'], 1, /exactly one/],
    ['a certificate and a name', ['--identity', 'built-in/cn:a', '--cert', 'x'], 2, /cannot be used with/],
    ['an unknown action', ['--explain', 'write'], 2, /Allowed choices are read/],
    ['what is no repository', ['--repository', 'Team'], 1, /not a repository name/],
    ['what is no chart', ['--chart', 'Core'], 1, /"Core"/],
  ]
  for (const [what, args, status, message] of refused) {
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await check(...args)
      assert.match(stderr, message)
      assert.equal(code, status)
    })
  }
})

describe('chartroom config', () => {
  it('prints the JSON Schema, without a configuration', async () => {
    const { code, stdout } = await runChartroom(['config', 'schema'])
    assert.equal(code, 0)
    const schema = JSON.parse(stdout) as { readonly title: string; readonly properties: object }
    assert.equal(schema.title, 'chartroom.yaml')
    assert.ok('groups' in schema.properties)
  })
})
