import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { resolve } from 'node:path'
import { loadConfig, type Config } from '../../../src/config/load.ts'
import { type MirrorConfig } from '../../../src/config/mirror.ts'

async function loadRepositories(yaml: string): Promise<Config> {
  return loadConfig({}, { CHARTROOM_REPOSITORIES: `[${yaml}]` })
}

async function loadMirror(mirror: string): Promise<MirrorConfig | undefined> {
  return (await loadRepositories(`{ name: m, mirror: ${mirror} }`)).repositories[0]?.mirror
}

async function loadUpstream(fields: string) {
  return (await loadMirror(`{ upstreams: [{ name: a, ${fields} }] }`))?.upstreams[0]
}

describe('the setting mirror', () => {
  it('needs no more than an upstream, contacts no other host and checks nothing but digests', async () => {
    const mirror = await loadMirror('{ upstreams: [{ name: a, url: https://a.example.org/charts/ }] }')
    deepEqual(mirror, {
      mode: 'pull-through',
      jitter: 600_000,
      ttl: 600_000,
      missingTtl: 60_000,
      offline: false,
      onUpstreamDelete: 'keep',
      approve: false,
      concurrency: 4,
      upstreams: [
        {
          name: 'a',
          url: 'https://a.example.org/charts',
          insecure: false,
          hosts: [],
          privateAddresses: [],
          timeout: 120_000,
          connectTimeout: 10_000,
          maxIndexBytes: 100 * 1024 ** 2,
          maxArchiveBytes: 20 * 1024 ** 2,
          exclude: [],
          prereleases: true,
          verify: 'off',
          reading: 'lenient',
        },
      ],
    })
  })

  it('takes paths from where the configuration is, and shows no secret', async () => {
    const upstream = await loadUpstream(
      'url: https://a, username: me, passwordFile: p, ca: ca.pem, clientCertificate: c, clientKey: k, ' +
        'keyring: ring, verify: required, proxy: { url: http://proxy:3128/, username: me, password: hidden-word }',
    )
    equal(upstream?.passwordFile, resolve('p'))
    equal(upstream.ca, resolve('ca.pem'))
    equal(upstream.keyring, resolve('ring'))
    equal(upstream.proxy?.url, 'http://proxy:3128')
    ok(!JSON.stringify(upstream).includes('hidden-word'))
  })

  it('takes names, patterns and ranges of versions, and hosts in any case', async () => {
    const upstream = await loadUpstream(
      "url: https://a, include: [{ chart: { glob: 'nginx*' }, versions: '>=1.0.0' }], exclude: [{ versions: '<2' }], " +
        'hosts: [GitHub.com, objects.example.org:8443]',
    )
    deepEqual(upstream?.include, [{ chart: { glob: 'nginx*' }, versions: '>=1.0.0' }])
    deepEqual(upstream.exclude, [{ chart: { glob: '**' }, versions: '<2' }])
    deepEqual(upstream.hosts, ['github.com', 'objects.example.org:8443'])
  })

  it('takes a schedule where packages are synchronised', async () => {
    const mirror = await loadMirror(
      "{ mode: both, schedule: '0 3 * * *', upstreams: [{ name: a, url: https://a }] }",
    )
    equal(mirror?.schedule, '0 3 * * *')
  })

  const upstreams: readonly (readonly [what: string, fields: string, message: RegExp])[] = [
    ['plain HTTP', 'url: http://a', /upstreams\.0\.url: plain HTTP only with insecure: true/],
    ['insecure HTTPS', 'url: https://a, insecure: true', /insecure: of no use with https/],
    ['a CA for plain HTTP', 'url: http://a, insecure: true, ca: x', /insecure: no certificates are/],
    ['a password in the URL', 'url: "https://me:pw@a"', /url: expected a URL without user/],
    ['another scheme', 'url: file:///etc', /url: expected a URL that begins with https/],
    ['a user without a password', 'url: https://a, username: me', /password: required with username/],
    ['a password without a user', 'url: https://a, password: x', /username: required with a password/],
    ['two passwords', 'url: https://a, username: me, password: x, passwordFile: y', /exactly one of/],
    ['two tokens', 'url: https://a, token: x, tokenFile: y', /only one of token and tokenFile/],
    ['a user and a token', 'url: https://a, username: me, password: x, token: y', /either a username/],
    ['a key alone', 'url: https://a, clientKey: x', /clientCertificate: required/],
    ['a certificate alone', 'url: https://a, clientCertificate: x', /clientKey: required/],
    [
      'verify without a keyring',
      'url: https://a, verify: required',
      /keyring: required with verify: required/,
    ],
    ['a keyring that nothing reads', 'url: https://a, keyring: x', /keyring: of no use with verify: off/],
    [
      'charts of a classic upstream',
      'url: https://a, charts: [a]',
      /charts: only for a URL that begins with oci/,
    ],
    ['a registry without charts', 'url: oci://a', /url: expected the path of a chart/],
    [
      'a pattern as a name',
      "url: https://a, include: [{ chart: 'nginx*' }]",
      /such as \{ glob: 'nginx\*' \}/,
    ],
    [
      'a range that is none',
      "url: https://a, exclude: [{ versions: 'new' }]",
      /exclude\.0\.versions: improper/,
    ],
    ['a URL as a host', 'url: https://a, hosts: ["https://b"]', /hosts\.0: expected a host/],
    [
      'every address',
      'url: https://a, privateAddresses: [0.0.0.0/0]',
      /privateAddresses\.0: .* is everybody/,
    ],
    ['a proxy with a user in its URL', 'url: https://a, proxy: "http://me@proxy"', /proxy.*: expected a URL/],
    [
      'a proxy with half a user',
      'url: https://a, proxy: { url: "http://p", username: me }',
      /proxy: required/,
    ],
    ['no versions to keep', 'url: https://a, keepLast: 0', /keepLast: /],
    ['an unknown setting', 'url: https://a, filter: x', /upstreams\.0\.filter: no such setting/],
  ]
  for (const [what, fields, message] of upstreams) {
    it(`refuses ${what}`, async () => {
      await rejects(loadUpstream(fields), { code: 'config-invalid', message })
    })
  }

  const UPSTREAM = '{ name: a, url: https://a }'
  const mirrors: readonly (readonly [what: string, repositories: string, message: RegExp])[] = [
    ['no upstream', '{ name: m, mirror: { upstreams: [] } }', /mirror\.upstreams: /],
    [
      'two upstreams of one name',
      `{ name: m, mirror: { upstreams: [${UPSTREAM}, ${UPSTREAM}] } }`,
      /upstreams\.1\.name: two upstreams are named a/,
    ],
    [
      'a schedule for pull-through',
      `{ name: m, mirror: { schedule: '0 3 * * *', upstreams: [${UPSTREAM}] } }`,
      /mirror\.schedule: of no use with mode pull-through/,
    ],
    [
      'a schedule with seconds',
      `{ name: m, mirror: { mode: sync, schedule: '0 0 3 * * *', upstreams: [${UPSTREAM}] } }`,
      /mirror\.schedule: expected a cron schedule/,
    ],
    [
      'a mirror of a pattern',
      `{ name: { glob: 'm*' }, mirror: { upstreams: [${UPSTREAM}] } }`,
      /mirror: it needs an entry with a name/,
    ],
    [
      'a mirror that is virtual',
      `{ name: m, mirror: { upstreams: [${UPSTREAM}] }, virtual: [/] }`,
      /virtual: a repository cannot be a mirror and virtual/,
    ],
  ]
  for (const [what, repositories, message] of mirrors) {
    it(`refuses ${what}`, async () => {
      await rejects(loadRepositories(repositories), { code: 'config-invalid', message })
    })
  }
})

describe('the setting virtual', () => {
  it('lists repositories in order', async () => {
    const { repositories } = await loadRepositories('{ name: a }, { name: all, virtual: [a, /] }')
    deepEqual(repositories[1]?.virtual, ['a', ''])
  })

  const refusals: readonly (readonly [what: string, repositories: string, message: RegExp])[] = [
    ['no member', '{ name: v, virtual: [] }', /virtual: /],
    ['itself', '{ name: v, virtual: [v] }', /virtual\.0: it cannot be a member of itself/],
    ['a member that is not listed', '{ name: v, virtual: [b] }', /virtual\.0: no repository b is listed/],
    ['a member twice', '{ name: v, virtual: [/, /] }', /virtual\.1: \/ is listed twice/],
    ['a virtual member', '{ name: v, virtual: [/] }, { name: w, virtual: [v] }', /v is virtual itself/],
    ['settings for uploads', '{ name: v, virtual: [/], overwrite: always }', /0\.overwrite: of no use/],
  ]
  for (const [what, repositories, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await rejects(loadRepositories(repositories), { code: 'config-invalid', message })
    })
  }
})
