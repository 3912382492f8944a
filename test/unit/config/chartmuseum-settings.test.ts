import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '../../../src/config/load.ts'
import { type Environment } from '../../../src/config/env.ts'
import { type ConfigFlags } from '../../../src/config/sources.ts'

describe("settings after ChartMuseum's", () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-config-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function load(yaml: string, environment: Environment = {}, flags: ConfigFlags = {}): Promise<Config> {
    const file = join(folder, 'chartroom.yaml')
    await writeFile(file, yaml)
    return loadConfig({ config: file, ...flags }, environment)
  }

  const paths: readonly (readonly [written: string, contextPath: string])[] = [
    ['""', ''],
    ['/', ''],
    ['/museum', '/museum'],
    ['museum/', '/museum'],
    ['/a//b.c/', '/a/b.c'],
  ]
  for (const [written, contextPath] of paths) {
    it(`reads the context path ${written} as ${contextPath || 'none'}, and puts it into the URL`, async () => {
      const config = await load(`contextPath: ${written}\n`)
      assert.equal(config.contextPath, contextPath)
      assert.equal(config.url, `https://localhost:8443${contextPath}`)
    })
  }

  it('takes it from the environment and the command line', async () => {
    assert.equal((await load('', { CHARTROOM_CONTEXT_PATH: '/env' })).contextPath, '/env')
    const flags = { contextPath: '/flag' }
    assert.equal((await load('', { CHARTROOM_CONTEXT_PATH: '/env' }, flags)).contextPath, '/flag')
  })

  it('takes a URL with the context path or without', async () => {
    for (const path of ['', '/', '/museum', '/museum/']) {
      const { url } = await load(`contextPath: /museum\nurl: https://charts.example.org:444${path}\n`)
      assert.equal(url, 'https://charts.example.org:444/museum')
    }
  })

  const ID = '6d7e1f0a-0000-4000-8000-000000000000'
  it("takes fields of a form and a repository's ID at Artifact Hub", async () => {
    const config = await load(
      `uploads: { chartField: package, provField: signature }\nrepositories: [{ name: /, artifactHubId: ${ID} }]\n`,
    )
    assert.deepEqual(
      [config.uploads.chartField, config.uploads.provField, config.repositories[0]?.artifactHubId],
      ['package', 'signature', ID],
    )
  })

  const refused: readonly (readonly [what: string, yaml: string, message: RegExp])[] = [
    ['a context path that climbs', 'contextPath: /a/../b\n', /contextPath: expected a path such as \/charts/],
    [
      'a context path with a wildcard',
      "contextPath: '/{*a}'\n",
      /contextPath: expected a path such as \/charts/,
    ],
    ['a context path with a query', 'contextPath: /a?b\n', /contextPath: expected a path such as \/charts/],
    [
      'a URL with another path',
      'contextPath: /museum\nurl: https://h/charts\n',
      /url: its path is \/charts, and contextPath is \/museum/,
    ],
    ['a URL with a path and no context path', 'url: https://h/charts\n', /contextPath is not set/],
    [
      'one field for both files',
      'uploads: { chartField: f, provField: f }\n',
      /uploads\.provField: the same field cannot hold an archive and a provenance file/,
    ],
    ['archives in prov', 'uploads: { chartField: prov }\n', /the same field cannot hold/],
    ['provenance files in chart', 'uploads: { provField: chart }\n', /the same field cannot hold/],
    [
      'an ID that is none',
      "repositories: [{ name: /, artifactHubId: 'a: b' }]\n",
      /repositories\.0\.artifactHubId: Invalid/,
    ],
  ]
  for (const [what, yaml, message] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(load(yaml), message)
    })
  }
})
