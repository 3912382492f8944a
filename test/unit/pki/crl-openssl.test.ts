import { X509Certificate } from 'node:crypto'
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CertificateAuthority, createCertificateAuthority } from '../../../src/pki/certificate-authority.ts'
import { parseCrls } from '../../../src/pki/crl.ts'
import { identityFrom } from '../../../src/policy/certificate-identity.ts'
import { describeWithOpenssl, openssl } from '../../support/openssl.ts'

describeWithOpenssl('openssl and CRLs', () => {
  let folder: string
  const file = (name: string): string => join(folder, name)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-crl-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  function run(...args: readonly string[]): string {
    const { code, output } = openssl(...args)
    equal(code, 0, output)
    return output
  }

  describe('of the built-in CA', () => {
    let authority: CertificateAuthority
    const now = new Date()

    beforeEach(async () => {
      const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now })
      authority = CertificateAuthority.open(pair, now)
      await writeFile(file('ca.crt'), pair.certificatePem)
    })

    async function writeCrl(serials: readonly string[]): Promise<void> {
      const nextUpdate = new Date(now.getTime() + 86_400_000)
      const revoked = serials.map((serial) => ({ serial, at: now, reason: 'superseded' as const }))
      await writeFile(
        file('crl.pem'),
        authority.signCrl({ number: 300n, thisUpdate: now, nextUpdate, revoked }),
      )
    }

    it('verifies the list and reads all of it', async () => {
      await writeCrl(['9c', '1234'])
      const output = run(
        'crl',
        '-in',
        file('crl.pem'),
        '-noout',
        '-text',
        '-verify',
        '-CAfile',
        file('ca.crt'),
      )
      for (const part of [
        /verify OK/,
        /Version 2/,
        /CRL Number: \s+300/,
        /Serial Number: 9C/,
        /Superseded/,
      ]) {
        match(output, part)
      }
      match(output, /Authority Key Identifier/)
    })

    it('refuses a certificate that is on it, and no other', async () => {
      const [good, bad] = [
        await authority.issueClient({ commonName: 'good', now }),
        await authority.issueClient({ commonName: 'bad', now }),
      ]
      await writeCrl([bad.serial])
      const check = ['verify', '-crl_check', '-CAfile', file('ca.crt'), '-CRLfile', file('crl.pem')]
      await writeFile(file('good.crt'), good.certificatePem)
      await writeFile(file('bad.crt'), bad.certificatePem)
      run(...check, file('good.crt'))
      const { code, output } = openssl(...check, file('bad.crt'))
      equal(code, 2)
      match(output, /certificate revoked/)
    })

    it('verifies an empty list', async () => {
      await writeCrl([])
      match(run('crl', '-in', file('crl.pem'), '-noout', '-text', '-CAfile', file('ca.crt')), /No Revoked/)
    })
  })

  describe('of a CA of its own', () => {
    const CONFIG = `
[ca]
default_ca = own
[own]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
`
    const KEYS: Readonly<
      Record<string, { readonly key: readonly string[]; readonly sign?: readonly string[] }>
    > = {
      'ECDSA P-256': { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
      'ECDSA P-384 with SHA-384': {
        key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
        sign: ['-md', 'sha384'],
      },
      RSA: { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] },
      'RSA with SHA-512': {
        key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
        sign: ['-md', 'sha512'],
      },
      'RSA-PSS': {
        key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
        sign: ['-sigopt', 'rsa_padding_mode:pss'],
      },
      Ed25519: { key: ['-algorithm', 'ED25519'], sign: ['-md', 'null'] },
      Ed448: { key: ['-algorithm', 'ED448'], sign: ['-md', 'null'] },
    }

    async function makeCrl(kind: (typeof KEYS)[string]): Promise<X509Certificate> {
      run('genpkey', ...kind.key, '-out', file('ca.key'))
      run('req', '-x509', '-new', '-key', file('ca.key'), '-subj', '/O=Company/CN=CA', '-out', file('ca.crt'))
      const database = ['00F1', 'AB'].map(
        (serial) => `R\t300101000000Z\t260304120000Z,keyCompromise\t${serial}\tunknown\t/CN=x\n`,
      )
      await writeFile(file('index.txt'), database.join(''))
      await writeFile(file('crlnumber'), '05')
      await writeFile(file('ca.cnf'), CONFIG.replaceAll(/= (index.txt|crlnumber)/g, `= ${folder}/$1`))
      const signer = ['-keyfile', file('ca.key'), '-cert', file('ca.crt')]
      run(
        'ca',
        '-config',
        file('ca.cnf'),
        '-gencrl',
        ...signer,
        ...(kind.sign ?? []),
        '-out',
        file('crl.pem'),
      )
      return new X509Certificate(await readFile(file('ca.crt')))
    }

    for (const [title, kind] of Object.entries(KEYS)) {
      it(`makes one that is read and verified: ${title}`, async () => {
        const ca = await makeCrl(kind)
        const [crl] = parseCrls(await readFile(file('crl.pem'), 'utf8'))
        ok(crl.verifiedBy(ca))
        equal(crl.number, 5n)
        const entry = { at: new Date('2026-03-04T12:00:00Z'), reason: 'keyCompromise' }
        deepEqual(Object.fromEntries(crl.revoked), { f1: entry, ab: entry })
      })
    }

    it('names serial numbers as identities have them, odd ones too', async () => {
      run('genpkey', '-algorithm', 'ED25519', '-out', file('key'))
      for (const number of ['1', '127', '128', '255', '65535', '-15', '-300']) {
        const request = ['-key', file('key'), '-subj', '/CN=x', '-set_serial', number, '-out', file('crt')]
        run('req', '-x509', '-new', ...request)
        const certificate = new X509Certificate(await readFile(file('crt')))
        const hex = BigInt.asUintN(64, BigInt(number)).toString(16).padStart(16, '0')
        const serial = Buffer.from(number.startsWith('-') ? hex : `00${hex}`, 'hex')
        const list = await crlWithSerial(serial)
        deepEqual([...list.revoked.keys()], [identityFrom(certificate, 'any').serial])
      }
    })

    /** One made by us, with the bytes of one serial number exchanged. */
    async function crlWithSerial(serial: Buffer): Promise<ReturnType<typeof parseCrls>[0]> {
      const now = new Date()
      const pair = await createCertificateAuthority({ commonName: 'CA', now })
      const stand = Buffer.alloc(serial.length, 0x11)
      const pem = CertificateAuthority.open(pair, now).signCrl({
        number: 1n,
        thisUpdate: now,
        nextUpdate: now,
        revoked: [{ serial: stand.toString('hex'), at: now, reason: 'unspecified' }],
      })
      const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
      serial.copy(der, der.indexOf(stand))
      return parseCrls(der)[0]
    }
  })
})
