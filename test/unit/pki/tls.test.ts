import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import {
  CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from '../../../src/pki/certificate-authority.ts'
import { toPkcs12 } from '../../../src/pki/pkcs12.ts'
import { selfSignedClient, TestCa, type TestPeer } from '../../support/test-ca.ts'

interface Client {
  readonly cert?: string
  readonly key?: string
  readonly pfx?: Buffer
  readonly passphrase?: string
}

interface Server {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

interface Handshake {
  readonly authorized: boolean
  readonly error: string
  readonly commonName: unknown
  readonly protocol: string | null
}

/** What the server makes of the client; the client demands that the server be `servername`. */
async function handshake(
  server: Server,
  client: Client,
  version: SecureVersion = 'TLSv1.3',
): Promise<Handshake> {
  const listener = createServer({ ...server, requestCert: true, rejectUnauthorized: false })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const accepted = once(listener, 'secureConnection')
  const socket = connect({ ...client, port, ca: server.ca, servername: 'localhost', ...only(version) })
  try {
    const [[peer]] = (await Promise.all([accepted, once(socket, 'secureConnect')])) as [[TLSSocket], unknown]
    return {
      authorized: peer.authorized,
      // Node types it as an Error, and sets the code as text.
      error: String(peer.authorizationError),
      commonName: peer.getPeerCertificate().subject.CN,
      protocol: peer.getProtocol(),
    }
  } finally {
    socket.destroy()
    listener.close()
  }
}

function only(version: SecureVersion) {
  return { minVersion: version, maxVersion: version }
}

describe('a TLS handshake between certificates of the built-in CA', () => {
  let server: Server
  let client: IssuedCertificate

  before(async () => {
    const now = new Date()
    const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now })
    const authority = CertificateAuthority.open(pair, now)
    const issued = await authority.issueServer({ names: ['localhost'], now })
    server = { cert: issued.certificatePem, key: issued.keyPem, ca: pair.certificatePem }
    client = await authority.issueClient({
      commonName: 'O=evil, CN="admin"',
      organizations: ['platform'],
      now,
    })
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`verifies both ends with ${version}`, async () => {
      const seen = await handshake(server, { cert: client.certificatePem, key: client.keyPem }, version)
      assert.deepEqual(seen, {
        authorized: true,
        error: 'null',
        commonName: 'O=evil, CN="admin"',
        protocol: version,
      })
    })
  }

  it('works from a .p12 file', async () => {
    const pfx = await toPkcs12({ ...client, caPem: server.ca, password: 'secret', friendlyName: 'ci' })
    assert.equal((await handshake(server, { pfx, passphrase: 'secret' })).authorized, true)
  })

  it('does not verify a server certificate as a client', async () => {
    const { authorized, error } = await handshake(server, { cert: server.cert, key: server.key })
    assert.deepEqual([authorized, error], [false, 'INVALID_PURPOSE'])
  })
})

describe('TestCa', () => {
  let ca: TestCa
  let server: Server

  before(async () => {
    ca = await TestCa.create()
    server = await ca.server()
  })

  const PEERS: readonly (readonly [title: string, error: string, make: () => Promise<TestPeer>])[] = [
    ['a client', 'null', async () => ca.client()],
    ['a client with an RSA key', 'null', async () => ca.client({ key: 'rsa' })],
    ['a client without extended key usage', 'null', async () => ca.client({ eku: 'none' })],
    ['a client of an intermediate', 'null', async () => (await ca.intermediate('I')).client()],
    [
      'a client of two intermediates',
      'null',
      async () => (await (await ca.intermediate('I')).intermediate('J')).client(),
    ],
    ['an expired client', 'CERT_HAS_EXPIRED', async () => ca.expiredClient()],
    ['a client of tomorrow', 'CERT_NOT_YET_VALID', async () => ca.futureClient()],
    ['a server as a client', 'INVALID_PURPOSE', async () => ca.client({ eku: 'server' })],
    [
      'a client of another CA',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      async () => (await TestCa.create({ name: 'B' })).client(),
    ],
    [
      'a client of a CA with the same name',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      async () => (await TestCa.create()).client(),
    ],
    ['a self-signed client', 'DEPTH_ZERO_SELF_SIGNED_CERT', async () => selfSignedClient()],
  ]
  for (const [title, error, make] of PEERS) {
    it(`makes ${title}, seen by a server as ${error}`, async () => {
      const seen = await handshake(server, await make())
      assert.deepEqual([seen.authorized, seen.error], [error === 'null', error])
    })
  }
})
