import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDigest } from '../../src/chart/digest.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { verifyProvenance } from '../../src/provenance/verify.ts'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { form } from '../support/form.ts'
import { DEFAULT_ACCESS } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { makeKey } from '../support/openpgp-keys.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

const other = { files: { 'values.yaml': 'other: true\n' } }
const DEMO = { from: 'staging', name: 'demo', version: '0.1.0' }

describe('promotion', () => {
  let folder: string
  let server: TestServer
  let admin: TestPeer
  let staging: SigningKey
  let stable: SigningKey
  let publisher: SigningKey

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-promotion-'))
    const keys = { staging: await makeKey(), stable: await makeKey(), publisher: await makeKey() }
    const open = async (armored: string): Promise<SigningKey> => SigningKey.open({ armored })
    staging = await open(keys.staging)
    stable = await open(keys.stable)
    publisher = await open(keys.publisher)
    for (const [name, key] of Object.entries({ staging, publisher })) {
      await writeFile(join(folder, `${name}.gpg`), key.publicKeyring.toBinary())
    }
    const demanding = (keyring: string): object => ({
      provenance: { required: true, unknownSigner: 'refuse', trustedKeyring: join(folder, keyring) },
    })
    server = await TestServer.start({
      settings: {
        access: [
          ...DEFAULT_ACCESS.slice(0, 1),
          { who: { cn: 'ci' }, may: ['publish'], repositories: 'all' },
          { who: { cn: 'ci' }, may: ['read'], repositories: ['staging'], charts: ['demo'] },
          { who: { cn: 'other-chart' }, may: ['read'], repositories: 'all' },
          { who: { cn: 'other-chart' }, may: ['publish'], repositories: ['stable'], charts: ['other'] },
        ],
        repositories: [
          { name: 'staging', signing: { keyData: keys.staging }, overwrite: 'forced' },
          { name: 'stable', signing: { keyData: keys.stable } },
          { name: 'forced', overwrite: 'forced' },
          { name: 'same-key' },
          { name: 'frozen', readOnly: true },
          { name: 'small', quota: { versions: 0 } },
          { name: 'signed', ...demanding('publisher.gpg') },
          { name: 'from-staging', ...demanding('staging.gpg') },
        ],
      },
    })
    admin = await server.admin()
  })

  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  /** Each test has a chart of its own name, and one server. */
  async function publish(repository: string, source: ChartSource = {}, key?: SigningKey): Promise<void> {
    const archive = await chart(source)
    const parts = [{ name: 'chart', filename: 'x.tgz', content: archive }]
    const provenance = key && (await signChart(key, archive, source))
    const signed = provenance === undefined ? [] : [{ name: 'prov', filename: 'x.prov', content: provenance }]
    const reply = await server.request(
      admin,
      'POST',
      `/api/${repository}/charts`,
      form([...parts, ...signed]),
    )
    assert.equal(reply.status, 201, reply.reason)
  }

  async function promote(to: string, body: unknown, peer = admin): Promise<Reply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return server.request(peer, 'POST', `/api/${to}`, { body: Buffer.from(text) })
  }

  async function get(path: string): Promise<Reply> {
    return server.request(admin, 'GET', path)
  }

  /** Who signed what a repository serves, in the order of the file. */
  async function signersOf(repository: string, name: string): Promise<readonly (string | undefined)[]> {
    const archive = await get(`/${repository}/charts/${name}-0.1.0.tgz`)
    const provenance = await get(`/${repository}/charts/${name}-0.1.0.tgz.prov`)
    assert.equal(provenance.status, 200)
    const { signers } = await verifyProvenance({
      provenance: provenance.bytes,
      filename: `${name}-0.1.0.tgz`,
      digest: parseDigest(String(archive.headers.etag).slice(1, 65)),
      trusted: [staging, stable, publisher].reduce(
        (ring, key) => ring.merge(key.publicKeyring),
        Keyring.empty(),
      ),
    })
    return signers.map(({ fingerprint }) => fingerprint)
  }

  async function audit(repository: string, name: string): Promise<readonly string[]> {
    const reply = await get(`/api/audit?repository=${repository}`)
    const entries = jsonOf(reply) as { action: string; outcome: string; chart?: string; detail?: string }[]
    return entries
      .filter((entry) => entry.chart === name)
      .map(({ action, outcome, detail = '' }) => `${action} ${outcome} ${detail}`)
  }

  it('serves the same archive in the other repository at once, from the same blob', async () => {
    await publish('staging', { name: 'same' })
    const archive = await get('/staging/charts/same-0.1.0.tgz')
    const blobs = async () => filesBelow(join(server.config.storage, 'blobs'))
    const before = await blobs()
    const reply = await promote('stable/promote', { ...DEMO, name: 'same' })
    assert.equal(reply.status, 201, reply.reason)
    const digest = String(archive.headers.etag).slice(1, 65)
    assert.deepEqual(jsonOf(reply), { saved: true, outcome: 'created', digest })
    assert.deepEqual((await get('/stable/charts/same-0.1.0.tgz')).bytes, archive.bytes)
    assert.match((await get('/stable/index.yaml')).bytes.toString(), /"charts\/same-0\.1\.0\.tgz"/)
    assert.equal((await blobs()).length, before.length + 1, 'a provenance file by the other key')
    assert.deepEqual(await audit('stable', 'same'), ['publish done promoted from staging'])
  })

  it('changes nothing when done again', async () => {
    await publish('staging', { name: 'again' }, publisher)
    const ask = async () => promote('stable/promote', { ...DEMO, name: 'again' })
    assert.match((await ask()).bytes.toString(), /"outcome":"created"/)
    const { headers } = await get('/stable/charts/again-0.1.0.tgz.prov')
    const again = await ask()
    assert.equal(again.status, 201)
    assert.match(again.bytes.toString(), /"outcome":"unchanged"/)
    assert.equal((await get('/stable/charts/again-0.1.0.tgz.prov')).headers.etag, headers.etag)
    assert.deepEqual(await audit('stable', 'again'), [
      'attach-provenance unchanged promoted from staging',
      'publish unchanged promoted from staging',
      'publish done promoted from staging',
    ])
  })

  it('replaces the signature of the one repository by that of the other', async () => {
    await publish('staging', { name: 'plain' })
    assert.deepEqual(await signersOf('staging', 'plain'), [staging.fingerprint])
    await promote('stable/promote', { ...DEMO, name: 'plain' })
    assert.deepEqual(await signersOf('stable', 'plain'), [stable.fingerprint])
  })

  it('keeps the publisher’s signature', async () => {
    await publish('staging', { name: 'signed' }, publisher)
    await promote('stable/promote', { ...DEMO, name: 'signed' })
    assert.deepEqual(await signersOf('stable', 'signed'), [stable.fingerprint, publisher.fingerprint])
  })

  it('brings a signature that the source was given later', async () => {
    await publish('staging', { name: 'later' })
    await promote('stable/promote', { ...DEMO, name: 'later' })
    await publish('staging', { name: 'later' }, publisher)
    const reply = await promote('stable/promote', { ...DEMO, name: 'later' })
    assert.match(reply.bytes.toString(), /"outcome":"unchanged"/)
    assert.deepEqual(await signersOf('stable', 'later'), [stable.fingerprint, publisher.fingerprint])
  })

  it('takes what the source has signed where the other repository trusts its key', async () => {
    await publish('staging', { name: 'passed' })
    const reply = await promote('from-staging/promote', { ...DEMO, name: 'passed' })
    assert.equal(reply.status, 201, reply.reason)
    const [ours, theirs] = await signersOf('from-staging', 'passed')
    assert.deepEqual([ours, theirs], [undefined, staging.fingerprint])
    await publish('same-key', { name: 'not-passed' })
    const refused = await promote('from-staging/promote', { ...DEMO, from: 'same-key', name: 'not-passed' })
    assert.equal(refused.status, 403)
  })

  it('goes into a new repository for who may create one, and comes from the root one', async () => {
    await server.request(admin, 'POST', '/api/charts', { body: await chart({ name: 'rooted' }) })
    for (const [to, from] of [
      ['team-x/new/promote', ''],
      ['team-x/newer/promote', '/'],
      ['promote', 'team-x/new'],
    ] as const) {
      const reply = await promote(to, { ...DEMO, name: 'rooted', from })
      assert.equal(reply.status, 201, reply.reason)
    }
    assert.deepEqual(await audit('team-x/new', 'rooted'), ['publish done promoted from the root repository'])
    const ci = await server.ca.client({ cn: 'ci' })
    await publish('staging')
    const refused = await promote('unheard-of/promote', DEMO, ci)
    assert.equal(refused.status, 404)
    assert.match(refused.reason, /you may not create it/)
  })

  it('overwrites by the rules of a publish', async () => {
    await publish('staging', { name: 'taken' })
    for (const to of ['stable', 'forced']) await publish(to, { name: 'taken', ...other })
    const body = { ...DEMO, name: 'taken' }
    for (const path of ['stable/promote', 'stable/promote?force', 'forced/promote']) {
      const { status, reason } = await promote(path, body)
      assert.equal(status, 409)
      assert.match(reason, /taken 0\.1\.0 exists with other content/)
    }
    const forced = await promote('forced/promote?force', body)
    assert.match(forced.bytes.toString(), /"outcome":"replaced"/)
  })

  it('brings nothing back under a deleted name but what was there', async () => {
    await publish('staging', { name: 'gone' })
    await publish('stable', { name: 'gone', ...other })
    await server.request(admin, 'DELETE', '/api/stable/charts/gone/0.1.0')
    const { status, reason } = await promote('stable/promote', { ...DEMO, name: 'gone' })
    assert.equal(status, 409)
    assert.match(reason, /was deleted, and its name stays taken/)
  })

  const REFUSALS: readonly (readonly [
    what: string,
    to: string,
    body: unknown,
    status: number,
    reason: RegExp,
  ])[] = [
    ['a read-only repository', 'frozen', DEMO, 403, /frozen is read-only/],
    ['a full quota', 'small', DEMO, 507, /small has no room for this/],
    [
      'a missing publisher’s signature',
      'signed',
      DEMO,
      403,
      /signed takes no chart without its publisher's provenance file, and demo 0\.1\.0 has none in staging/,
    ],
    ['an unknown version', 'stable', { ...DEMO, version: '9.0.0' }, 404, /no demo 9\.0\.0 in staging/],
    ['an unknown source', 'stable', { ...DEMO, from: 'nowhere' }, 404, /there is no repository nowhere/],
    ['the same repository', 'staging', DEMO, 400, /staging cannot be promoted into itself/],
    ['what is no chart’s name', 'stable', { ...DEMO, name: '../x' }, 400, /not a chart name/],
    ['what is no version', 'stable', { ...DEMO, version: 'latest' }, 400, /not a SemVer 2 version/],
    ['what is no repository’s name', 'stable', { ...DEMO, from: 'A' }, 400, /not a repository name/],
    ['a body that is no JSON', 'stable', 'hello', 400, /the body is not a JSON object/],
    ['a missing field', 'stable', { from: 'staging' }, 400, /the body is not a JSON object/],
    ['an unknown field', 'stable', { ...DEMO, to: 'x' }, 400, /and nothing else/],
    ['a large body', 'stable', ' '.repeat(4097), 413, /limit of 4096 bytes/],
  ]
  for (const [what, to, body, status, reason] of REFUSALS) {
    it(`refuses ${what}, and leaves nothing behind`, async () => {
      await publish('staging')
      const before = await filesBelow(server.config.storage)
      const reply = await promote(`${to}/promote`, body)
      assert.equal(reply.status, status, reply.reason)
      assert.match(reply.reason, reason)
      assert.deepEqual(await filesBelow(server.config.storage), before)
    })
  }

  it('needs read in the source and publish in the target, for that chart', async () => {
    await publish('staging')
    await publish('staging', { name: 'hidden' })
    const ci = await server.ca.client({ cn: 'ci' })
    const otherChart = await server.ca.client({ cn: 'other-chart' })
    const reader = await server.ca.client({ cn: 'nobody' })
    const refusals = [
      [ci, { ...DEMO, name: 'hidden' }, '"ci" may not read "hidden" in staging'],
      [ci, { ...DEMO, from: 'stable' }, '"ci" may not read stable'],
      [ci, { ...DEMO, from: 'nowhere' }, '"ci" may not read nowhere'],
      [otherChart, DEMO, '"other-chart" may not publish to "demo" in stable'],
      [reader, DEMO, '"nobody" may not publish to stable'],
    ] as const
    for (const [peer, body, reason] of refusals) {
      const reply = await promote('stable/promote', body, peer)
      assert.deepEqual([reply.status, reply.reason], [403, `Forbidden: ${reason}`])
    }
    assert.doesNotMatch((await get('/stable/index.yaml')).bytes.toString(), /"demo"|"hidden"/)
    const reply = await promote('same-key/promote', DEMO, ci)
    assert.equal(reply.status, 201, reply.reason)
  })

  it('does not bring a purged version back', async () => {
    await publish('staging', { name: 'leak', files: { 'values.yaml': 'password: x\n' } })
    await promote('stable/promote', { ...DEMO, name: 'leak' })
    const run = async (...args: readonly string[]) =>
      runChartroom([...args, '--config', server.config.file ?? ''])
    await run('purge', 'leak', '0.1.0', '--repository', 'stable', '--reason', 'a password')
    const { status, reason } = await promote('stable/promote', { ...DEMO, name: 'leak' })
    assert.equal(status, 403)
    assert.match(reason, /was purged and may not come back/)
  })

  it('is a command as well', async () => {
    await publish('staging', { name: 'by-hand' })
    const run = async (to: string) =>
      runChartroom([
        'promote',
        'by-hand',
        '0.1.0',
        '--from',
        'staging',
        '--to',
        to,
        '--config',
        server.config.file ?? '',
      ])
    const { code, stdout, stderr } = await run('stable')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^stable: by-hand 0\.1\.0 created \(sha256:[0-9a-f]{64}\)\n$/)
    assert.match((await run('stable')).stdout, /unchanged/)
    assert.deepEqual(await signersOf('stable', 'by-hand'), [stable.fingerprint])
    assert.match((await audit('stable', 'by-hand')).join(), /publish done promoted from staging/)
    const refused = await run('not-there')
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /there is no repository not-there/)
  })
})
