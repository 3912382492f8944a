import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { CONFIG_TEMPLATE } from '../../../src/cli/config-template.ts'
import { loadConfig, type Config } from '../../../src/config/load.ts'
import { type Environment } from '../../../src/config/env.ts'
import { type ConfigFlags } from '../../../src/config/sources.ts'

describe('loadConfig', () => {
  let folder: string
  let file: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-config-'))
    file = join(folder, 'chartroom.yaml')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function load(yaml: string, environment: Environment = {}, flags: ConfigFlags = {}): Promise<Config> {
    await writeFile(file, yaml)
    return loadConfig({ config: file, ...flags }, environment)
  }

  it('has a safe default for everything but the grants', async () => {
    const config = await load('# nothing\n')
    assert.deepEqual(config.listen, { host: '0.0.0.0', port: 8443 })
    assert.deepEqual(config.ops, { host: '127.0.0.1', port: 8081 })
    assert.equal(config.url, 'https://localhost:8443')
    assert.equal(config.storage, join(folder, 'storage'))
    assert.equal(config.tls.key, join(folder, 'certs/server.key'))
    assert.deepEqual(config.tls.clientCAs, [
      { name: 'built-in', file: join(folder, 'certs/ca.crt'), staleCrl: 'refuse' },
    ])
    assert.equal(config.uploads.maxBytes, 20 * 1024 * 1024)
    assert.equal(config.overwrite, 'never')
    assert.deepEqual(config.rules, [])
  })

  it('takes the file that init writes', async () => {
    const { rules } = await load(CONFIG_TEMPLATE)
    assert.deepEqual(
      rules.map((rule) => 'may' in rule && rule.may.length),
      [6, 2, 1],
    )
  })

  it('reads a file with hundreds of lines of comments before its first setting at once', async () => {
    const { listen } = await load(`${'# a comment\n\n'.repeat(500)}listen: 127.0.0.1:1\n`)
    assert.equal(listen.port, 1)
  })

  it('reads paths of the file from its folder, and those of flags and environment from the working directory', async () => {
    const config = await load('storage: data\n', { CHARTROOM_TLS_KEY: 'own.key' }, { certs: 'keys' })
    assert.equal(config.storage, join(folder, 'data'))
    assert.equal(config.tls.key, resolve('own.key'))
    assert.equal(config.certs, resolve('keys'))
  })

  it('lets the command line override the environment, and that the file', async () => {
    const yaml = 'listen: 127.0.0.1:1\nops: 127.0.0.1:1\nurl: https://file.example\n'
    const environment = { CHARTROOM_LISTEN: '127.0.0.1:2', CHARTROOM_OPS: '127.0.0.1:2' }
    const config = await load(yaml, environment, { listen: '127.0.0.1:3' })
    assert.equal(config.listen.port, 3)
    assert.deepEqual(config.ops, { host: '127.0.0.1', port: 2 })
    assert.equal(config.url, 'https://file.example')
  })

  it('takes nested settings and lists from the environment', async () => {
    const config = await load('', {
      CHARTROOM_UPLOADS_MAX_BYTES: '1MiB',
      CHARTROOM_TLS_CLIENT_CAS: '[{ name: company, file: /etc/ca.pem }]',
      CHARTROOM_ACCESS: '- { who: { cn: ci }, may: [publish], repositories: [team-a] }',
    })
    assert.equal(config.uploads.maxBytes, 1024 * 1024)
    assert.deepEqual(config.tls.clientCAs, [{ name: 'company', file: '/etc/ca.pem', staleCrl: 'refuse' }])
    assert.deepEqual(config.rules[0]?.who, { anchor: 'company', cn: { exact: 'ci' } })
  })

  it('takes proxies as addresses and networks, also from the environment, and none by default', async () => {
    assert.deepEqual((await load('')).proxyProtocol, { from: [] })
    const { proxyProtocol } = await load('proxyProtocol: { from: [127.0.0.1, 10.0.0.0/8, ::1, fd00::/8] }\n')
    assert.deepEqual(proxyProtocol.from, [
      { address: '127.0.0.1', prefix: 32 },
      { address: '10.0.0.0', prefix: 8 },
      { address: '::1', prefix: 128 },
      { address: 'fd00::', prefix: 8 },
    ])
    const fromEnvironment = await load('', { CHARTROOM_PROXY_PROTOCOL_FROM: '[192.0.2.1]' })
    assert.deepEqual(fromEnvironment.proxyProtocol.from, [{ address: '192.0.2.1', prefix: 32 }])
  })

  it('takes groups from the environment, as a map', async () => {
    const { rules } = await load('access: [{ who: { group: ops }, may: [read], repositories: all }]\n', {
      CHARTROOM_GROUPS: 'ops: [{ cn: ci }]',
      CHARTROOM_PROVENANCE_REQUIRED: 'true',
    })
    assert.deepEqual(rules[0]?.who, { group: 'ops', members: [{ anchor: 'built-in', cn: { exact: 'ci' } }] })
  })

  it('reads a flag as a word of YAML and of the environment', async () => {
    assert.equal((await load('')).provenance.required, false)
    assert.equal((await load('provenance: { required: true }')).provenance.required, true)
    assert.equal((await load('', { CHARTROOM_PROVENANCE_REQUIRED: 'true' })).provenance.required, true)
  })

  it('takes settings for a repository and for all that a glob matches', async () => {
    const { repositories } = await load(
      "repositories: [{ name: /, provenance: { trustedKeyring: a.gpg } }, { name: { glob: 'x/**' }, tombstones: release }]",
    )
    assert.deepEqual(repositories, [
      { name: '', provenance: { trustedKeyring: join(folder, 'a.gpg') } },
      { name: { glob: 'x/**' }, tombstones: 'release' },
    ])
  })

  it('keeps the audit trail for more than a year, without reads', async () => {
    const DAY_MS = 86_400_000
    assert.deepEqual((await load('')).audit, { keep: 400 * DAY_MS, reads: 'off', readsKeep: 7 * DAY_MS })
  })

  it('overlooks what Kubernetes says of a Service of the same name', async () => {
    const links = {
      CHARTROOM_SERVICE_HOST: '10.0.0.1',
      CHARTROOM_SERVICE_PORT: '8443',
      CHARTROOM_SERVICE_PORT_HTTPS: '8443',
      CHARTROOM_PORT: 'tcp://10.0.0.1:8443',
      CHARTROOM_PORT_8443_TCP: 'tcp://10.0.0.1:8443',
      CHARTROOM_PORT_8443_TCP_ADDR: '10.0.0.1',
      CHARTROOM_OPS_SERVICE_HOST: '10.0.0.2',
    }
    assert.equal((await load('', links)).listen.port, 8443)
  })

  it('keeps secrets out of everything that prints', async () => {
    const { signing } = await load('', { CHARTROOM_SIGNING_PASSPHRASE: 'hunter2' })
    assert.equal(signing.passphrase?.reveal(), 'hunter2')
    for (const text of [JSON.stringify(signing), inspect(signing), String(signing.passphrase)]) {
      assert.doesNotMatch(text, /hunter2/)
    }
  })

  it('does not read a file that is not there unless it was asked for', async () => {
    const missing = join(folder, 'missing.yaml')
    await assert.rejects(loadConfig({ config: missing }, {}), {
      code: 'config-invalid',
      message: /missing.yaml/,
    })
    await assert.rejects(loadConfig({}, { CHARTROOM_CONFIG: missing }), { code: 'config-invalid' })
  })

  const refused: readonly (readonly [
    title: string,
    yaml: string,
    environment: Environment,
    message: RegExp,
  ])[] = [
    ['an unknown setting', 'lisen: x\n', {}, /lisen: no such setting \(did you mean listen\?\)/],
    [
      'an unknown nested setting',
      'tls: { clientCA: [] }',
      {},
      /tls.clientCA: no such .*did you mean clientCAs/,
    ],
    ['an unknown variable', '', { CHARTROOM_LISTN: 'x' }, /CHARTROOM_LISTN: .*CHARTROOM_LISTEN\?/],
    [
      'a variable that should be a list',
      '',
      { CHARTROOM_ACCESS: 'everybody' },
      /CHARTROOM_ACCESS: expected a list/,
    ],
    ['a variable that is not YAML', '', { CHARTROOM_ACCESS: '[' }, /CHARTROOM_ACCESS: expected a list/],
    ['YAML that is none', 'a: [\n', {}, /line: /],
    ['a list instead of settings', '- a\n', {}, /expected a map of settings/],
    ['a port that is none', 'listen: 127.0.0.1:99999\n', {}, /listen: expected HOST:PORT/],
    ['a size without a known unit', 'uploads: { maxBytes: 20XB }\n', {}, /uploads.maxBytes: expected a size/],
    ['a duration without a unit', 'shutdown: { drain: 25 }\n', {}, /shutdown.drain: expected a duration/],
    ...[
      'lb.example.com',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0',
      '10.0.0.0/8/8',
      '1.1.1.1/',
      'fe80::1%eth0',
      '10.0.0.0/-1',
    ].map(
      (proxy) =>
        [
          `${proxy} as a proxy`,
          `proxyProtocol: { from: ['${proxy}'] }\n`,
          {},
          /proxyProtocol.from.0: expected an IP address or a network/,
        ] as const,
    ),
    [
      'everybody as a proxy',
      'proxyProtocol: { from: [0.0.0.0/0] }\n',
      {},
      /from.0: 0.0.0.0\/0 is everybody; name/,
    ],
    ['everybody by IPv6 as a proxy', 'proxyProtocol: { from: [::/0] }\n', {}, /from.0: ::\/0 is everybody/],
    ['a plain HTTP URL', 'url: http://x\n', {}, /url: /],
    [
      'a reserved repository name',
      'repositories: [{ name: a/charts }]\n',
      {},
      /repositories.0.name: "charts" may not/,
    ],
    ['a repository listed twice', 'repositories: [{ name: a }, { name: a }]\n', {}, /a is listed twice/],
    [
      'the root repository listed twice',
      'repositories: [{ name: / }, { name: / }]\n',
      {},
      /\/ is listed twice/,
    ],
    [
      'a glob listed twice',
      "repositories: [{ name: { glob: 'a*' } }, { name: { glob: 'a*' } }]\n",
      {},
      /\{ glob: a\* \} is listed twice/,
    ],
    [
      'a mistyped attribute of a repository’s name',
      "repositories: [{ name: { globb: 'a*' } }]\n",
      {},
      /repositories.0.name.globb: no such setting/,
    ],
    [
      'an action that is none',
      'access: [{ who: {}, may: [reed], repositories: all }]\n',
      {},
      /access.0.may.0: /,
    ],
    [
      'an empty list of repositories',
      'access: [{ who: {}, may: [read], repositories: [] }]\n',
      {},
      /access.0.repositories: Too small/,
    ],
    [
      'what is no list of repositories',
      'access: [{ who: {}, may: [read], repositories: 5 }]\n',
      {},
      /access.0.repositories: Invalid input/,
    ],
    [
      'an unknown group, with the nearest',
      'groups: { team-a: [] }\naccess: [{ who: { group: team-b }, may: [read], repositories: all }]\n',
      {},
      /access.0.who.group: no such group \(did you mean team-a\?\)/,
    ],
    ['groups that are no map', '', { CHARTROOM_GROUPS: '[a]' }, /CHARTROOM_GROUPS: expected a map in YAML/],
    ['groups that are nothing', '', { CHARTROOM_GROUPS: 'x' }, /CHARTROOM_GROUPS: expected a map in YAML/],
    ['a flag that is none', 'provenance: { required: yes }\n', {}, /provenance.required: /],
    [
      'provenance that nobody could sign',
      'provenance: { required: true, unknownSigner: refuse }\n',
      {},
      /provenance.trustedKeyring: required: without it no signer is known/,
    ],
    [
      'provenance that nobody could sign in one repository',
      'provenance: { unknownSigner: refuse }\nrepositories: [{ name: a }, { name: b, provenance: { required: true } }]\n',
      {},
      /repositories.1.provenance.trustedKeyring: required/,
    ],
    [
      'two trust anchors of one name',
      'tls: { clientCAs: [{ name: a, file: x }, { name: a, file: y }] }\n',
      {},
      /two trust anchors are named a/,
    ],
    [
      'two passphrases',
      'signing: { passphrase: a, passphraseFile: b }\n',
      {},
      /only one of signing.passphrase and signing.passphraseFile/,
    ],
    [
      'a grant for an unknown trust anchor',
      'access: [{ who: { anchor: x }, may: [read], repositories: all }]\n',
      {},
      /access.0.who.anchor: no such trust anchor/,
    ],
  ]
  for (const [title, yaml, environment, message] of refused) {
    it(`refuses ${title}`, async () => {
      await assert.rejects(load(yaml, environment), { code: 'config-invalid', message })
    })
  }

  it('tells every problem at once', async () => {
    await assert.rejects(load('lisen: x\noverwrite: sometimes\n', { CHARTROOM_X: '1' }), (error: Error) => {
      assert.match(error.message, /lisen/)
      assert.match(error.message, /overwrite/)
      assert.match(error.message, /CHARTROOM_X/)
      return true
    })
  })

  it('does not let an alias bomb grow', async () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const inner = level === 0 ? '"x"' : `*a${level - 1}`
      return `a${level}: &a${level} [${Array(9).fill(inner).join(', ')}]`
    })
    await assert.rejects(load(levels.join('\n')), { code: 'config-invalid' })
  })
})
