import { createPublicKey, type KeyObject } from 'node:crypto'
import { equal, ok, throws } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCertificateRequest } from '../../../src/pki/csr.ts'
import { describeWithOpenssl, openssl } from '../../support/openssl.ts'

describeWithOpenssl('parseCertificateRequest of what openssl made', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-csr-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  /** A request for a new key of the kind; `flags` go to `openssl req`. */
  async function request(kind: readonly string[], flags: readonly string[] = []): Promise<string> {
    const [key, csr] = [join(folder, 'key'), join(folder, 'csr')]
    equal(openssl('genpkey', ...kind, '-out', key).code, 0)
    const subject = ['-subj', '/O=Theirs/OU=administrators/CN=root']
    const { code, output } = openssl('req', '-new', '-key', key, ...subject, ...flags, '-out', csr)
    equal(code, 0, output)
    return readFile(csr, 'utf8')
  }

  async function key(): Promise<KeyObject> {
    return createPublicKey(await readFile(join(folder, 'key'), 'utf8'))
  }

  const EC = ['-algorithm', 'EC', '-pkeyopt']
  const TAKEN: Readonly<Record<string, readonly string[]>> = {
    'P-256': [...EC, 'ec_paramgen_curve:P-256'],
    'P-384': [...EC, 'ec_paramgen_curve:P-384'],
    'P-521': [...EC, 'ec_paramgen_curve:P-521'],
    'RSA of 2048 bits': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    Ed25519: ['-algorithm', 'ED25519'],
  }
  for (const [title, kind] of Object.entries(TAKEN)) {
    it(`gives the key: ${title}`, async () => {
      ok(parseCertificateRequest(await request(kind)).equals(await key()))
    })
  }

  it('takes the older label, text around it and an RSA-PSS signature', async () => {
    const pem = await request(TAKEN['RSA of 2048 bits'] ?? [], [
      '-newhdr',
      '-text',
      '-sigopt',
      'rsa_padding_mode:pss',
    ])
    ok(pem.includes('NEW CERTIFICATE REQUEST'))
    ok(parseCertificateRequest(pem).equals(await key()))
  })

  const WEAK: Readonly<Record<string, readonly string[]>> = {
    'RSA of 1024 bits': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
    'another curve': [...EC, 'ec_paramgen_curve:secp256k1'],
    Ed448: ['-algorithm', 'ED448'],
  }
  for (const [title, kind] of Object.entries(WEAK)) {
    it(`refuses a key that is too weak or that clients do not know: ${title}`, async () => {
      const pem = await request(kind)
      throws(() => parseCertificateRequest(pem), {
        code: 'request-invalid',
        message: /key that is not taken/,
      })
    })
  }

  it('refuses one that is not signed by its own key', async () => {
    const [mine, theirs] = [await request(TAKEN['P-256'] ?? []), await request(TAKEN['P-256'] ?? [])]
    const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    const swapped = Buffer.from(der(mine))
    // The public key of the other one, which is as long and in the same place.
    const place = (bytes: Buffer): number => bytes.indexOf(Buffer.from('034200', 'hex')) + 3
    der(theirs).copy(swapped, place(swapped), place(der(theirs)), place(der(theirs)) + 65)
    throws(() => parseCertificateRequest(pemOf(swapped)), {
      code: 'request-invalid',
      message: /not signed by its own key/,
    })
  })

  it('refuses one that is signed with SHA-1', async () => {
    const pem = await request(TAKEN['RSA of 2048 bits'] ?? [], ['-sha1'])
    throws(() => parseCertificateRequest(pem), {
      code: 'request-invalid',
      message: /algorithm that is not taken/,
    })
  })

  it('refuses one that is damaged, whatever byte it is', async () => {
    const pem = await request(TAKEN['P-256'] ?? [])
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    for (let place = 0; place < der.length; place += 1) {
      const damaged = Buffer.from(der)
      damaged.writeUInt8(der.readUInt8(place) ^ 0x01, place)
      throws(() => parseCertificateRequest(pemOf(damaged)), { code: 'request-invalid' }, `byte ${place}`)
    }
  })
})

describe('parseCertificateRequest', () => {
  it('refuses text without a request', () => {
    for (const text of ['', '-----BEGIN CERTIFICATE REQUEST-----', '-----BEGIN CERTIFICATE-----']) {
      throws(() => parseCertificateRequest(text), {
        code: 'request-invalid',
        message: /no PEM certificate request found/,
      })
    }
  })

  it('refuses what is no request inside', () => {
    throws(() => parseCertificateRequest(pemOf(Buffer.from('hello, world'))), {
      code: 'request-invalid',
      message: /cannot be used: it is damaged/,
    })
  })
})

function pemOf(der: Buffer): string {
  const label = 'CERTIFICATE REQUEST'
  return `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
}
