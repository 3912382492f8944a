import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig, type Config } from '../../../src/config/load.ts'

describe('the setting webhooks', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-config-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function load(webhooks: string): Promise<Config> {
    const file = join(folder, 'chartroom.yaml')
    await writeFile(file, `webhooks: [${webhooks}]\n`)
    return loadConfig({ config: file }, {})
  }

  it('is about everything where nothing else is said, with paths beside the configuration', async () => {
    const { webhooks } = await load('{ url: https://a.example.org/hook, secretFile: s, ca: ca.pem }')
    deepEqual(webhooks, [
      {
        url: 'https://a.example.org/hook',
        secretFile: join(folder, 's'),
        ca: join(folder, 'ca.pem'),
        repositories: [{ glob: '**' }],
        events: ['publish', 'overwrite', 'delete', 'attach-provenance', 'mirror-alarm'],
        timeout: 10_000,
      },
    ])
  })

  it('takes names and patterns of repositories as grants do', async () => {
    const { webhooks } = await load("{ url: https://a/, secret: x, repositories: [/, { glob: 'team-*' }] }")
    deepEqual(webhooks[0]?.repositories, [{ exact: '' }, { glob: 'team-*' }])
  })

  it('shows its secret to nobody', async () => {
    const config = await load('{ url: https://a/, secret: hidden-word }')
    equal(config.webhooks[0]?.secret?.reveal(), 'hidden-word')
    ok(!JSON.stringify(config).includes('hidden-word'))
  })

  for (const host of ['localhost', '127.0.0.1:8080', '[::1]']) {
    it(`allows plain HTTP to ${host}`, async () => {
      equal((await load(`{ url: "http://${host}/hook", secret: x }`)).webhooks.length, 1)
    })
  }

  const refusals: readonly (readonly [what: string, yaml: string, message: RegExp])[] = [
    ['plain HTTP', '{ url: http://a.example.org, secret: x }', /webhooks\.0\.url: expected https/],
    ['a host like loopback', '{ url: http://127.0.0.1.example.org, secret: x }', /expected https/],
    ['a password in the URL', '{ url: "https://me:pw@a/", secret: x }', /without a name or password/],
    ['another scheme', '{ url: "file:///etc/passwd", secret: x }', /webhooks\.0\.url: /],
    ['no secret', '{ url: https://a/ }', /webhooks\.0\.secret: required: exactly one/],
    ['two secrets', '{ url: https://a/, secret: x, secretFile: y }', /exactly one of secret and secretFile/],
    ['an unknown event', '{ url: https://a/, secret: x, events: [read] }', /webhooks\.0\.events\.0: /],
    ['no events', '{ url: https://a/, secret: x, events: [] }', /webhooks\.0\.events: /],
    [
      'a URL listed twice',
      '{ url: https://a, secret: x }, { url: https://a/, secret: y }',
      /webhooks: https:\/\/a\/ is listed twice/,
    ],
  ]
  for (const [what, yaml, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await rejects(load(yaml), { code: 'config-invalid', message })
    })
  }
})
