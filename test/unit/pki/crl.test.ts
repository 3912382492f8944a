import { X509Certificate } from 'node:crypto'
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import {
  CertificateAuthority,
  createCertificateAuthority,
  type PemPair,
} from '../../../src/pki/certificate-authority.ts'
import { parseCrls, subjectNameOf } from '../../../src/pki/crl.ts'
import { encodeDer, encodeInteger, encodeTime, TAG } from '../../../src/pki/der.ts'
import { REVOCATION_REASONS, type RevocationReason } from '../../../src/pki/revocation-reason.ts'
import { TestCa } from '../../support/test-ca.ts'

const NOW = new Date('2026-03-04T12:00:00.000Z')
const LATER = new Date('2026-04-04T12:00:00.000Z')

describe('a CRL of the built-in CA', () => {
  let pair: PemPair
  let authority: CertificateAuthority

  before(async () => {
    pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now: NOW })
    authority = CertificateAuthority.open(pair, NOW)
  })

  function crlOf(revoked: readonly { serial: string; at: Date; reason: RevocationReason }[] = []): string {
    return authority.signCrl({ number: 7n, thisUpdate: NOW, nextUpdate: LATER, revoked })
  }

  it('says what was put into it', () => {
    const [crl, ...others] = parseCrls(crlOf([{ serial: 'ff01', at: NOW, reason: 'keyCompromise' }]))
    equal(others.length, 0)
    equal(crl.issuer, 'CN=Chartroom CA')
    equal(crl.number, 7n)
    deepEqual([crl.thisUpdate, crl.nextUpdate], [NOW, LATER])
    deepEqual([...crl.revoked], [['ff01', { at: NOW, reason: 'keyCompromise' }]])
  })

  it('may be empty', () => {
    const [crl] = parseCrls(crlOf())
    equal(crl.revoked.size, 0)
    ok(crl.verifiedBy(authority.certificate))
  })

  it('keeps every reason', () => {
    const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[]
    const revoked = reasons.map((reason, place) => ({ serial: (place + 1).toString(16), at: NOW, reason }))
    const [crl] = parseCrls(crlOf(revoked))
    deepEqual(
      [...crl.revoked.values()].map(({ reason }) => reason),
      reasons,
    )
  })

  it('is written and read in DER, and alone or among others in PEM', () => {
    const pem = crlOf()
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    equal(parseCrls(der)[0].toPem(), pem)
    equal(parseCrls(Buffer.from(`text\n${pem}text\n${pem}`)).length, 2)
  })

  it('is verified by its CA, and by no other, whatever its name', async () => {
    const [crl] = parseCrls(crlOf())
    ok(crl.verifiedBy(authority.certificate))
    const double = await createCertificateAuthority({ commonName: 'Chartroom CA', now: NOW })
    const other = await createCertificateAuthority({ commonName: 'Other', now: NOW })
    for (const { certificatePem } of [double, other]) ok(!crl.verifiedBy(new X509Certificate(certificatePem)))
    equal(crl.issuerName, subjectNameOf(authority.certificate))
  })

  it('is not verified once a byte of what is signed, or of the signature, is another', () => {
    const pem = crlOf([{ serial: 'ff01', at: NOW, reason: 'superseded' }])
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    for (const place of [der.indexOf('ff01', 'hex'), der.length - 1]) {
      const changed = Buffer.from(der)
      changed.writeUInt8(der.readUInt8(place) ^ 1, place)
      ok(!parseCrls(changed)[0].verifiedBy(authority.certificate))
    }
  })

  it('is not made by a CA that has expired', () => {
    const thisUpdate = new Date('2046-01-01T00:00:00Z')
    throws(() => authority.signCrl({ number: 1n, thisUpdate, nextUpdate: thisUpdate, revoked: [] }), {
      code: 'key-unusable',
      message: /make a new CA/,
    })
  })

  it('is refused from a CA that may not sign it, or that is of another kind', async () => {
    const [crl] = parseCrls(crlOf())
    const leaf = await authority.issueClient({ commonName: 'Chartroom CA', now: NOW })
    ok(!crl.verifiedBy(new X509Certificate(leaf.certificatePem)))
    const rsa = await TestCa.create({ name: 'Chartroom CA', key: 'rsa' })
    ok(!crl.verifiedBy(new X509Certificate(rsa.certificatePem)))
  })

  it('holds ten thousand entries without much ado', () => {
    const revoked = Array.from({ length: 10_000 }, (_, place) => ({
      serial: (place + 1).toString(16),
      at: NOW,
      reason: 'unspecified' as const,
    }))
    equal(parseCrls(crlOf(revoked))[0].revoked.size, revoked.length)
  })
})

describe('parseCrls', () => {
  const ECDSA = encodeDer(TAG.sequence, oid('2a8648ce3d040302'))
  const NAME = encodeDer(
    TAG.sequence,
    encodeDer(0x31, encodeDer(TAG.sequence, oid('550403'), encodeDer(0x0c, Buffer.from('A "CA"')))),
  )
  const TIMES = [encodeTime(NOW), encodeTime(LATER)]
  const CRITICAL = Buffer.from('0101ff', 'hex')

  function oid(content: string): Buffer {
    return encodeDer(TAG.objectIdentifier, Buffer.from(content, 'hex'))
  }

  function extension(id: string, value: Buffer, ...critical: readonly Buffer[]): Buffer {
    return encodeDer(TAG.sequence, oid(id), ...critical, encodeDer(TAG.octetString, value))
  }

  function extensions(...all: readonly Buffer[]): Buffer {
    return encodeDer(0xa0, encodeDer(TAG.sequence, ...all))
  }

  function entry(...more: readonly Buffer[]): Buffer {
    return encodeDer(TAG.sequence, encodeDer(TAG.sequence, encodeInteger('1'), encodeTime(NOW), ...more))
  }

  /** A list with a signature that nobody made: whether it can be relied on is asked first. */
  function crl(parts: readonly Buffer[], algorithm = ECDSA, outer = algorithm): Buffer {
    const list = encodeDer(TAG.sequence, encodeInteger('1'), algorithm, NAME, ...parts)
    return encodeDer(TAG.sequence, list, outer, encodeDer(TAG.bitString, Buffer.from([0, 1])))
  }

  it('takes a list without an end, without extensions and with reasons that nobody knows', () => {
    const unknown = extension('551d15', encodeDer(TAG.enumerated, Buffer.from([42])))
    const [read] = parseCrls(crl([encodeTime(NOW), entry(encodeDer(TAG.sequence, unknown))]))
    deepEqual([read.nextUpdate, read.number], [undefined, undefined])
    deepEqual([...read.revoked], [['1', { at: NOW, reason: 'unspecified' }]])
  })

  it('passes over extensions that are not critical', () => {
    const harmless = extension('2a03', Buffer.from([1]), Buffer.from('010100', 'hex'))
    const [read] = parseCrls(crl([...TIMES, entry(encodeDer(TAG.sequence, harmless)), extensions(harmless)]))
    equal(read.revoked.size, 1)
  })

  it('takes a list of a distribution point that is about all client certificates', () => {
    const scope = encodeDer(TAG.sequence, encodeDer(0xa0), encodeDer(0x81, Buffer.from([0xff])))
    equal(parseCrls(crl([...TIMES, extensions(extension('551d1c', scope, CRITICAL))])).length, 1)
  })

  const delta = extension('551d1b', encodeInteger('1'), CRITICAL)
  const someReasons = encodeDer(TAG.sequence, encodeDer(0x83, Buffer.from([0, 0x40])))
  const indirect = extension('551d1d', Buffer.from([0]), CRITICAL)
  const REFUSED: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
    'a delta list': [crl([...TIMES, extensions(delta)]), /critical extension that is not known/],
    'a list of some reasons': [
      crl([...TIMES, extensions(extension('551d1c', someReasons, CRITICAL))]),
      /covers only some/,
    ],
    'an entry about another CA': [
      crl([...TIMES, entry(encodeDer(TAG.sequence, indirect))]),
      /entry has a critical extension/,
    ],
    'two algorithms': [crl(TIMES, ECDSA, encodeDer(TAG.sequence, oid('2a8648ce3d040303'))), /two algorithms/],
    'SHA-1': [crl(TIMES, encodeDer(TAG.sequence, oid('2a864886f70d010105'))), /algorithm that is not taken/],
    'RSA-PSS with SHA-1': [
      crl(TIMES, encodeDer(TAG.sequence, oid('2a864886f70d01010a'), encodeDer(TAG.sequence))),
      /algorithm that is not taken/,
    ],
    'RSA-PSS with an unknown hash': [
      crl(
        TIMES,
        encodeDer(
          TAG.sequence,
          oid('2a864886f70d01010a'),
          encodeDer(TAG.sequence, encodeDer(0xa0, encodeDer(TAG.sequence, oid('2a03')))),
        ),
      ),
      /algorithm that is not taken/,
    ],
    'something after the extensions': [
      crl([...TIMES, extensions(), encodeInteger('1')]),
      /something after its/,
    ],
    'something after the list': [Buffer.concat([crl(TIMES), Buffer.from([5, 0])]), /something after it/],
    'something after the signature': [
      encodeDer(
        TAG.sequence,
        encodeDer(TAG.sequence),
        ECDSA,
        encodeDer(TAG.bitString, Buffer.from([0])),
        encodeInteger('1'),
      ),
      /something after it/,
    ],
    'a time that is none': [crl([encodeDer(TAG.utcTime, Buffer.from('soon'))]), /damaged/],
    'an empty reason': [
      crl([...TIMES, entry(encodeDer(TAG.sequence, extension('551d15', encodeDer(TAG.enumerated))))]),
      /damaged/,
    ],
    'another structure': [encodeDer(TAG.sequence, encodeInteger('1')), /a CRL cannot be used/],
  }
  for (const [title, [der, message]] of Object.entries(REFUSED)) {
    it(`refuses ${title}`, () => {
      throws(() => parseCrls(der), { code: 'key-unusable', message })
    })
  }

  it('names the issuer of a list that it refuses, as quoted text', () => {
    throws(() => parseCrls(crl([...TIMES, extensions(delta)])), /the CRL of "CN=A \\\\?\\"CA/)
  })

  it('refuses text without a list, and one that is cut off', () => {
    throws(() => parseCrls('hello'), { code: 'key-unusable', message: /no CRL found/ })
    throws(() => parseCrls(Buffer.alloc(0)), { code: 'key-unusable', message: /no CRL found/ })
    const pem = `-----BEGIN X509 CRL-----\n${crl(TIMES).toString('base64')}\n-----END X509 CRL-----\n`
    throws(() => parseCrls(pem + pem.slice(0, -9)), { code: 'key-unusable', message: /damaged or cut off/ })
  })
})
