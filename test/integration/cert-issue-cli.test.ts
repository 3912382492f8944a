import { createPrivateKey, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { type AddressInfo } from 'node:net'
import { load } from 'js-yaml'
import { ChartroomFolder, serialOf } from '../support/chartroom-folder.ts'
import { describeWithOpenssl, openssl } from '../support/openssl.ts'
import { TestCa } from '../support/test-ca.ts'

describe('chartroom cert, handing out,', () => {
  let template: ChartroomFolder
  let folder: ChartroomFolder

  before(async () => {
    template = await ChartroomFolder.create()
  })

  after(async () => {
    await template.remove()
  })

  beforeEach(async () => {
    folder = await template.copy()
  })

  afterEach(async () => {
    await folder.remove()
  })

  describe('issue', () => {
    it('writes and records a pair with the names that it was told', async () => {
      const names = ['--uri', 'spiffe://example.org/ci', '--dns', 'ci.example', '--email', 'ci@example.org']
      const certificate = await folder.issue('ci', '--org', 'Example', '--unit', 'publishers', ...names)
      equal(certificate.subject, 'O=Example\nOU=publishers\nCN=ci')
      ok(certificate.checkPrivateKey(createPrivateKey(await folder.read('certs/clients/ci.key'))))
      const [entry] = await folder.listed('ci')
      equal(entry?.serial, serialOf(certificate))
      deepEqual(entry.altNames, ['URI:spiffe://example.org/ci', 'email:ci@example.org', 'DNS:ci.example'])
    })

    it('prints a Secret that Kubernetes takes and TLS works with, and writes no file', async () => {
      const before = await readdir(folder.file('certs/clients'))
      const flags = ['--format', 'secret', '--namespace', 'flux-system', '--secret-name', 'chartroom-tls']
      const lines = await folder.run(['cert', 'issue', 'ci', ...flags])
      const secret = load(lines.join('\n')) as {
        readonly metadata: unknown
        readonly type: string
        readonly data: Readonly<Record<'ca.crt' | 'tls.crt' | 'tls.key', string>>
      }
      equal(secret.type, 'kubernetes.io/tls')
      deepEqual(secret.metadata, { name: 'chartroom-tls', namespace: 'flux-system' })
      const [ca, cert, key] = [secret.data['ca.crt'], secret.data['tls.crt'], secret.data['tls.key']].map(
        (text) => Buffer.from(text, 'base64').toString(),
      )
      equal(await commonNameSeen({ ca, cert, key }), 'ci')
      deepEqual(await readdir(folder.file('certs/clients')), before)
      equal((await folder.listed('ci')).length, 1)
    })

    it('names the Secret after the certificate, in the namespace of whoever applies it', async () => {
      const text = (await folder.run(['cert', 'issue', 'y', '--format', 'secret'])).join('\n')
      deepEqual((load(text) as { metadata: unknown }).metadata, { name: 'y' })
      // Unquoted, kubectl's YAML 1.1 would read a boolean.
      match(text, /name: 'y'/)
    })

    it('refuses names that Kubernetes does not take, before anything is issued', async () => {
      await folder.refuses(
        ['cert', 'issue', 'CI', '--format', 'secret'],
        /"CI" as a Secret's name; give one with --secret-name/,
      )
      const flags = ['--format', 'secret', '--namespace', 'a.b']
      await folder.refuses(['cert', 'issue', 'ci', ...flags], /"a.b" as a namespace's name/)
      deepEqual(await folder.listed('ci'), [])
    })

    const MISUSES: readonly (readonly [readonly string[], RegExp])[] = [
      [['--csr', 'x', '--p12'], /which a --csr does not hold/],
      [['--csr', 'x', '--format', 'secret'], /which a --csr does not hold/],
      [['--format', 'secret', '--p12'], /writes no files/],
      [['--format', 'secret', '--out', 'x'], /writes no files/],
      [['--namespace', 'x'], /are for --format secret/],
      [['--secret-name', 'x'], /are for --format secret/],
      [['--csr', '/nowhere/at.all'], /at\.all cannot be read/],
      [['--csr', '/'], /\/ cannot be read/],
    ]
    for (const [flags, message] of MISUSES) {
      it(`refuses ${flags.join(' ')}`, async () => {
        await folder.refuses(['cert', 'issue', 'ci', ...flags], message)
      })
    }

    it('refuses a name that is no file name, and one that has its files', async () => {
      await folder.refuses(['cert', 'issue', '../ci'], /cannot be a file name/)
      await folder.refuses(['cert', 'issue', 'admin'], /exists already; it is not overwritten/)
    })

    it('refuses days that are no number, and formats that do not exist', async () => {
      await folder.refuses(['cert', 'issue', 'ci', '--days', 'many'], /expected a whole number of days/, 2)
      await folder.refuses(['cert', 'issue', 'ci', '--format', 'xml'], /Allowed choices are files, secret/, 2)
    })
  })

  describeWithOpenssl('issue --csr', () => {
    function request(): string {
      const [key, csr] = [folder.file('own.key'), folder.file('own.csr')]
      equal(openssl('genpkey', '-algorithm', 'RSA', '-out', key).code, 0)
      const names = ['-subj', '/O=Theirs/OU=administrators/CN=root', '-addext', 'subjectAltName=DNS:admin']
      equal(openssl('req', '-new', '-key', key, ...names, '-out', csr).code, 0)
      return csr
    }

    it('certifies the key, and takes no name from the request', async () => {
      const certificate = await folder.issue('ci', '--csr', request(), '--unit', 'publishers')
      equal(certificate.subject, 'OU=publishers\nCN=ci')
      equal(certificate.subjectAltName, undefined)
      ok(certificate.publicKey.equals(createPublicKey(await folder.read('own.key'))))
      equal((await folder.listed('ci')).length, 1)
      deepEqual(
        (await readdir(folder.file('certs/clients'))).filter((name) => name.startsWith('ci')),
        ['ci.crt'],
      )
      const { output } = openssl(
        'verify',
        '-CAfile',
        folder.file('certs/ca.crt'),
        folder.file('certs/clients/ci.crt'),
      )
      match(output, /OK/)
    })

    it('renews with a new request, and not without', async () => {
      await folder.run(['cert', 'issue', 'ci', '--csr', request(), '--out', folder.file('out')])
      const before = await folder.certificate('out/ci.crt')
      const place = ['--out', folder.file('out')]
      await folder.refuses(['cert', 'renew', 'ci', ...place], /made elsewhere, so renew with a new --csr/)
      await folder.run(['cert', 'renew', 'ci', '--csr', request(), ...place])
      const after = await folder.certificate('out/ci.crt')
      notEqual(after.serialNumber, before.serialNumber)
      ok(after.publicKey.equals(createPublicKey(await folder.read('own.key'))))
    })

    it('refuses a file that is no request, naming it', async () => {
      await folder.refuses(
        ['cert', 'issue', 'ci', '--csr', folder.file('chartroom.yaml')],
        /chartroom\.yaml: no PEM certificate request/,
      )
    })
  })

  describe('import', () => {
    it('records what another machine has issued with the key that is not here', async () => {
      const offline = await folder.copy()
      try {
        await rm(folder.file('certs/ca.key'))
        await folder.refuses(['cert', 'issue', 'ci'], /ca\.key" does not exist/)
        await offline.run([
          'cert',
          'issue',
          'ci',
          '--unit',
          'publishers',
          '--out',
          folder.file('from-offline'),
        ])
        const file = folder.file('from-offline/ci.crt')
        const certificate = await folder.certificate('from-offline/ci.crt')
        deepEqual(await folder.run(['cert', 'import', file]), [`recorded ${serialOf(certificate)} of ci`])
        equal((await folder.listed('ci'))[0]?.serial, serialOf(certificate))
        await folder.run(['cert', 'revoke', 'ci'])
      } finally {
        await offline.remove()
      }
    })

    it('refuses certificates of another CA', async () => {
      const peer = await (await TestCa.create()).client()
      await writeFile(folder.file('x.crt'), peer.cert)
      await folder.refuses(['cert', 'import', folder.file('x.crt')], /x\.crt is not from the built-in CA/)
    })
  })

  describe('where there is no CA', () => {
    it('says what makes one', async () => {
      await rm(folder.file('certs'), { recursive: true })
      await mkdir(folder.file('certs'))
      await folder.refuses(['cert', 'issue', 'ci'], /ca\.crt cannot be read: "chartroom init" makes it/)
    })

    it('refuses a key that belongs to no certificate', async () => {
      await writeFile(folder.file('certs/ca.crt'), (await TestCa.create()).certificatePem)
      await folder.refuses(['cert', 'issue', 'ci'], /ca\.key belongs to no certificate in ca\.crt/)
    })
  })

  /** What a server that trusts `ca.crt` sees of a client that trusts the server by it. */
  async function commonNameSeen(client: Record<'ca' | 'cert' | 'key', string | undefined>): Promise<unknown> {
    const server = createServer({
      cert: await folder.read('certs/server.crt'),
      key: await folder.read('certs/server.key'),
      ca: await folder.read('certs/ca.crt'),
      requestCert: true,
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = connect({ ...client, port, host: '127.0.0.1', servername: 'localhost' })
    try {
      const [peer] = (await once(server, 'secureConnection')) as [TLSSocket]
      return peer.authorized ? peer.getPeerCertificate().subject.CN : peer.authorizationError
    } finally {
      socket.destroy()
      server.close()
    }
  }
})
