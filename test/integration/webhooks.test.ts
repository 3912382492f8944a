import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { pino } from 'pino'
import { startServer, type RunningServer } from '../../src/app/server.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { type Outbox, type WebhookRecord } from '../../src/catalog/outbox.ts'
import { loadConfig } from '../../src/config/load.ts'
import { chart } from '../support/chart-builder.ts'
import { type CommandResult, runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { agentOf, exchange, type Reply } from '../support/exchange.ts'
import { Installation } from '../support/installation.ts'
import { TestCa, type TestPeer } from '../support/test-ca.ts'
import { answerWith, isSignedWith, WebhookReceiver } from '../support/webhook-receiver.ts'

const SECRET = 'a secret of the receiver'

describe('webhooks', () => {
  let ca: TestCa
  let receiver: WebhookReceiver
  let other: WebhookReceiver
  let installation: Installation
  let admin: TestPeer
  let running: RunningServer[]
  let logLines: string[]

  beforeEach(async () => {
    ca = await TestCa.create({ name: 'Built-in' })
    receiver = new WebhookReceiver(await ca.server())
    other = new WebhookReceiver(await ca.server())
    await Promise.all([receiver.up(), other.up()])
    installation = await Installation.create({ ca, settings: { overwrite: 'always' } })
    await configure(hook())
    admin = await installation.admin()
    running = []
    logLines = []
  })

  afterEach(async () => {
    for (const server of running) await server.close()
    await Promise.all([receiver.down(), other.down()])
    await installation.remove()
  })

  function hook(settings: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
    return { url: receiver.url, secret: SECRET, ca: 'certs/ca.crt', timeout: '2s', ...settings }
  }

  async function configure(...webhooks: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const settings = load(await readFile(installation.configFile, 'utf8')) as Record<string, unknown>
    const url = 'https://charts.example.org'
    await writeFile(installation.configFile, dump({ ...settings, url, webhooks }))
  }

  /** Resolves once the webhooks are known to the catalog, so that what is published next is told. */
  async function serve(): Promise<RunningServer> {
    const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) })
    const config = { config: installation.configFile }
    const server = await startServer(() => loadConfig(config, {}), { log, now: () => new Date() })
    running.push(server)
    const { webhooks } = await loadConfig(config, {})
    await eventually(async () => {
      const known = (await records()).map(({ url }) => url)
      assert.ok(webhooks.every(({ url }) => known.includes(url)))
    })
    return server
  }

  async function stop(server: RunningServer): Promise<void> {
    running.splice(running.indexOf(server), 1)
    await server.close()
  }

  async function withOutbox<T>(use: (outbox: Outbox) => Promise<T>): Promise<T> {
    const catalog = await SqliteCatalog.open({ file: join(installation.storage, 'catalog.db') })
    try {
      return await use(catalog.outbox)
    } finally {
      await catalog.close()
    }
  }

  async function records(): Promise<readonly WebhookRecord[]> {
    return withOutbox((outbox) => outbox.listWebhooks())
  }

  async function ask(server: RunningServer, method: string, path: string, body?: Buffer): Promise<Reply> {
    const agent = agentOf(ca.certificatePem, admin, 'used once')
    try {
      const url = `https://localhost:${server.port}${path}`
      return await exchange(agent, method, url, body === undefined ? {} : { body })
    } finally {
      agent.destroy()
    }
  }

  async function publish(server: RunningServer, version: string, repository = ''): Promise<void> {
    const { status, reason } = await ask(server, 'POST', `/api${repository}/charts`, await chart({ version }))
    assert.equal(status, 201, reason)
  }

  async function hears(who: WebhookReceiver, ...heard: readonly string[]): Promise<void> {
    await eventually(() => {
      assert.deepEqual(who.heard, heard)
    })
  }

  async function metric(server: RunningServer, series: string): Promise<string | undefined> {
    const reply = await fetch(`http://127.0.0.1:${server.opsPort ?? 0}/metrics`)
    const line = (await reply.text()).split('\n').find((text) => text.startsWith(`${series} `))
    return line?.slice(series.length + 1)
  }

  async function command(...args: readonly string[]): Promise<CommandResult> {
    return runChartroom([...args, '--config', installation.configFile])
  }

  it('tell of what is published, overwritten and deleted, in order and signed', async () => {
    const server = await serve()
    await publish(server, '1.0.0')
    const files = { 'values.yaml': 'other: true\n' }
    await ask(server, 'POST', '/api/charts', await chart({ version: '1.0.0', files }))
    await publish(server, '1.1.0+b', '/team-a')
    await ask(server, 'DELETE', '/api/charts/demo/1.0.0')
    await hears(
      receiver,
      'publish demo 1.0.0',
      'overwrite demo 1.0.0',
      'publish demo 1.1.0+b',
      'delete demo 1.0.0',
    )
    assert.ok(receiver.deliveries.every((delivery) => isSignedWith(SECRET, delivery)))
    assert.ok(!receiver.deliveries.some((delivery) => isSignedWith('another', delivery)))
    const [first, second, third, last] = receiver.deliveries
    assert.deepEqual(first?.message, {
      id: first?.headers['x-chartroom-delivery'],
      event: 'publish',
      repository: '',
      chart: 'demo',
      version: '1.0.0',
      digest: first?.message['digest'],
      at: first?.message['at'],
      by: 'built-in cn:"admin"',
      url: 'https://charts.example.org/charts/demo-1.0.0.tgz',
    })
    assert.match(receiver.deliveries[0]?.message['digest'] ?? '', /^sha256:[0-9a-f]{64}$/)
    assert.equal(first.headers['x-chartroom-event'], 'publish')
    assert.equal(first.headers['content-type'], 'application/json')
    assert.equal(last?.message['digest'], second?.message['digest'])
    assert.equal(third?.message['url'], 'https://charts.example.org/team-a/charts/demo-1.1.0%2Bb.tgz')
    assert.equal(new Set(receiver.deliveries.map(({ message }) => message['id'])).size, 4)
    await eventually(async () => {
      assert.equal(await metric(server, 'chartroom_webhook_deliveries_total{outcome="delivered"}'), '4')
      assert.equal(await metric(server, 'chartroom_webhook_backlog'), '0')
    })
  })

  it('lose nothing while the receiver is down, nor over a restart of the server', async () => {
    const server = await serve()
    await receiver.down()
    await publish(server, '1.0.0')
    await eventually(async () => {
      const [record] = await records()
      assert.ok((record?.attempts ?? 0) > 0)
      assert.match(record?.failure?.reason ?? '', /ECONNREFUSED/)
      assert.equal(await metric(server, 'chartroom_webhook_backlog'), '1')
    })
    await publish(server, '2.0.0')
    await stop(server)
    await receiver.up()
    await publish(await serve(), '3.0.0')
    await hears(receiver, 'publish demo 1.0.0', 'publish demo 2.0.0', 'publish demo 3.0.0')
  })

  it('are tried again after an error, with the same id, and before anything newer', async () => {
    const server = await serve()
    receiver.answer = (response) => {
      answerWith(receiver.deliveries.length > 1 ? 200 : 500)(response)
    }
    await publish(server, '1.0.0')
    await publish(server, '2.0.0')
    await hears(receiver, 'publish demo 1.0.0', 'publish demo 1.0.0', 'publish demo 2.0.0')
    const [first, again] = receiver.deliveries
    assert.equal(first?.headers['x-chartroom-delivery'], again?.headers['x-chartroom-delivery'])
    assert.ok(logLines.some((line) => line.includes('the receiver answered 500')))
  })

  it('are told by one of two servers on one storage, and by the other once that is gone', async () => {
    const first = await serve()
    const second = await serve()
    const versions = Array.from({ length: 10 }, (_, turn) => `1.${turn}.0`)
    for (const [turn, version] of versions.entries()) await publish(turn % 2 === 0 ? first : second, version)
    await hears(receiver, ...versions.map((version) => `publish demo ${version}`))
    await stop(first)
    await publish(second, '2.0.0')
    await eventually(() => {
      assert.equal(receiver.heard.at(-1), 'publish demo 2.0.0')
    })
    assert.equal(receiver.heard.length, 11)
  })

  it('are told by the next server once the lease of one that died is out of date', async () => {
    const now = new Date()
    const until = new Date(now.getTime() + 1500)
    await withOutbox((outbox) => outbox.takeLease('one that died', { now, until }))
    await publish(await serve(), '1.0.0')
    await hears(receiver, 'publish demo 1.0.0')
    assert.ok(new Date() >= until)
  })

  it('hear of their repositories and events only, each at its own pace', async () => {
    await configure(
      hook({ events: ['delete'], repositories: [{ glob: 'team-*' }] }),
      hook({ url: other.url, repositories: ['/'], secret: 'another' }),
    )
    receiver.answer = () => undefined
    const server = await serve()
    await publish(server, '1.0.0', '/team-a')
    await publish(server, '2.0.0')
    await ask(server, 'DELETE', '/api/team-a/charts/demo/1.0.0')
    await publish(server, '3.0.0')
    // The first receiver never answers: neither the publishes nor the second one wait for it.
    await hears(other, 'publish demo 2.0.0', 'publish demo 3.0.0')
    assert.ok(other.deliveries.every((delivery) => isSignedWith('another', delivery)))
    await eventually(() => {
      assert.deepEqual(receiver.heard.slice(0, 1), ['delete demo 1.0.0'])
    })
  })

  it('start with what is published after they were added, also while the server runs', async () => {
    await configure()
    const server = await serve()
    await publish(server, '1.0.0')
    await configure(hook())
    await server.reload()
    await eventually(async () => {
      assert.equal((await records()).length, 1)
    })
    await publish(server, '2.0.0')
    await hears(receiver, 'publish demo 2.0.0')
  })

  it('follow no redirect', async () => {
    receiver.answer = answerWith(307, { location: other.url })
    await publish(await serve(), '1.0.0')
    await fails(/^the receiver answered 307$/)
    assert.deepEqual(other.heard, [])
  })

  it('trust no certificate but those of the authorities that they were given', async () => {
    await configure(hook({ ca: undefined }))
    await publish(await serve(), '1.0.0')
    await fails(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO/)
    assert.deepEqual(receiver.heard, [])
  })

  it('give up a receiver that does not answer in time', async () => {
    await configure(hook({ timeout: '200ms' }))
    receiver.answer = () => undefined
    await publish(await serve(), '1.0.0')
    await fails(/^no answer within 200 ms$/)
  })

  it('take a success for one, whatever the body does', async () => {
    receiver.answer = (response) => {
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        if (!response.destroyed) response.write(chunk, more)
      }
      response.writeHead(200)
      more()
    }
    const server = await serve()
    await publish(server, '1.0.0')
    await publish(server, '2.0.0')
    await hears(receiver, 'publish demo 1.0.0', 'publish demo 2.0.0')
  })

  it('send nothing without the secret, and say why', async () => {
    const file = join(installation.folder, 'webhook.secret')
    await configure(hook({ secret: undefined, secretFile: 'webhook.secret' }))
    await publish(await serve(), '1.0.0')
    await fails(/^the key file ".*webhook.secret" does not exist$/)
    assert.deepEqual(receiver.heard, [])
    await writeFile(file, `${SECRET}\n`, { mode: 0o600 })
    await hears(receiver, 'publish demo 1.0.0')
    assert.ok(receiver.deliveries.every((delivery) => isSignedWith(SECRET, delivery)))
  })

  /** The one webhook has an event that it could not be told. */
  async function fails(reason: RegExp): Promise<void> {
    await eventually(async () => {
      const [record] = await records()
      assert.match(record?.failure?.reason ?? '', reason)
      assert.equal(record?.backlog, 1)
    })
  }

  describe('on the command line', () => {
    it('are listed with what they have still to be told of', async () => {
      assert.match((await command('webhook', 'list')).stdout, /^1 +https:.*hook +not yet known to a server$/m)
      const server = await serve()
      await receiver.down()
      await publish(server, '1.0.0')
      await fails(/ECONNREFUSED/)
      const { stdout } = await command('webhook', 'list')
      assert.match(stdout, /^ +URL +CURSOR +BACKLOG +ATTEMPTS +NEXT ATTEMPT +LAST ERROR\n/)
      assert.match(stdout, /^1 +https:\S+ +0 +1 +\d+ +\S+Z +\S+Z .*ECONNREFUSED/m)
      await configure()
      assert.match((await command('webhook', 'list')).stdout, /^there are no webhooks/)
    })

    it('are sent a ping, by number or by URL', async () => {
      for (const name of ['1', receiver.url]) {
        const { code, stdout } = await command('webhook', 'test', name)
        assert.deepEqual([code, / took the ping [0-9a-f]{32} \(204\)$/m.test(stdout)], [0, true])
      }
      assert.deepEqual(receiver.heard, ['ping', 'ping'])
      assert.ok(receiver.deliveries.every((delivery) => isSignedWith(SECRET, delivery)))
    })

    it('say why a ping was not taken, and which webhooks there are none', async () => {
      receiver.answer = answerWith(410)
      const refused = await command('webhook', 'test', '1')
      assert.deepEqual(
        [refused.code, refused.stderr, refused.stdout],
        [1, `chartroom: ${receiver.url}: the receiver answered 410\n`, ''],
      )
      for (const name of ['2', '0', 'https://elsewhere.example.org']) {
        const { code, stderr } = await command('webhook', 'test', name)
        assert.deepEqual([code, /there is no webhook ".*": see/.test(stderr)], [1, true])
      }
      assert.equal(receiver.heard.length, 1)
    })
  })
})
