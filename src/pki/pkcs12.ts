import { createHash, webcrypto, type X509Certificate } from 'node:crypto'
import { BmpString, OctetString } from 'asn1js'
import * as pkijs from 'pkijs'
import { AppError } from '../errors.ts'
import { type PemPair } from './certificate-authority.ts'
import { parseCertificates, parsePrivateKey } from './pem.ts'

export interface Pkcs12Contents extends PemPair {
  readonly caPem: string
  /** Printable ASCII: readers disagree on which bytes other characters are. A file is as safe as this is hard to guess. */
  readonly password: string
  /** What a browser's list of certificates shows. */
  readonly friendlyName: string
}

/**
 * Key, certificate and CA in one encrypted file, as browsers import them (RFC 7292). AES-256 under PBKDF2, and a SHA-256
 * MAC, are the defaults of OpenSSL 3, which Node and Chromium read too; OpenSSL 3 refuses the older RC2. Throws
 * `key-unusable` or `request-invalid`.
 */
export async function toPkcs12(contents: Pkcs12Contents): Promise<Buffer> {
  const [certificate, ...intermediates] = parseCertificates(contents.certificatePem)
  const key = parsePrivateKey(contents.keyPem)
  if (!certificate.checkPrivateKey(key)) {
    throw new AppError('key-unusable', 'the key does not belong to the certificate')
  }
  const password = passwordBytes(contents.password)
  const attributes = bagAttributes(certificate, contents.friendlyName)
  const others = [...intermediates, ...parseCertificates(contents.caPem)]
  const safe = await encryptedSafe(
    await keyBag(key.export({ type: 'pkcs8', format: 'der' }), attributes, password),
    [certificateBag(certificate, attributes), ...others.map((other) => certificateBag(other, []))],
    password,
  )
  return stamped(safe, password)
}

/** Object identifiers of RFC 7292, section 4.2; of RFC 2985, section 5.5. */
const KEY_BAG = '1.2.840.113549.1.12.10.1.2'
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3'
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1'
const FRIENDLY_NAME = '1.2.840.113549.1.9.20'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'

/** The same for the encryption and for the MAC, as whoever guesses takes the cheaper one; a tenth of a second each. */
const ITERATIONS = 100_000
const HASH = 'SHA-256'

const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto })

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/

function passwordBytes(password: string): ArrayBuffer {
  if (!PRINTABLE_ASCII.test(password)) {
    throw new AppError(
      'request-invalid',
      'the password of a .p12 file must be printable ASCII, and not empty',
    )
  }
  return new TextEncoder().encode(password).buffer
}

/** The key and its certificate find each other by an id that OpenSSL, too, takes from the certificate's SHA-1. */
function bagAttributes(certificate: X509Certificate, friendlyName: string): pkijs.Attribute[] {
  const id = createHash('sha1').update(certificate.raw).digest()
  return [
    new pkijs.Attribute({ type: FRIENDLY_NAME, values: [new BmpString({ value: friendlyName })] }),
    new pkijs.Attribute({ type: LOCAL_KEY_ID, values: [new OctetString({ valueHex: id })] }),
  ]
}

async function keyBag(
  pkcs8: Buffer,
  bagAttributes: pkijs.Attribute[],
  password: ArrayBuffer,
): Promise<pkijs.SafeBag> {
  const bagValue = new pkijs.PKCS8ShroudedKeyBag({ parsedValue: pkijs.PrivateKeyInfo.fromBER(pkcs8) })
  await bagValue.makeInternalValues(encryption(password), engine)
  return new pkijs.SafeBag({ bagId: KEY_BAG, bagValue, bagAttributes })
}

function certificateBag(certificate: X509Certificate, bagAttributes: pkijs.Attribute[]): pkijs.SafeBag {
  const certValue = new OctetString({ valueHex: certificate.raw })
  return new pkijs.SafeBag({
    bagId: CERTIFICATE_BAG,
    bagValue: new pkijs.CertBag({ certId: X509_CERTIFICATE, certValue }),
    ...(bagAttributes.length > 0 && { bagAttributes }),
  })
}

/** The key bag is encrypted in itself; the certificates, which name their owner, are encrypted together. */
async function encryptedSafe(
  key: pkijs.SafeBag,
  certificates: pkijs.SafeBag[],
  password: ArrayBuffer,
): Promise<pkijs.AuthenticatedSafe> {
  const safe = new pkijs.AuthenticatedSafe({
    parsedValue: {
      safeContents: [
        { privacyMode: 0, value: new pkijs.SafeContents({ safeBags: [key] }) },
        { privacyMode: 1, value: new pkijs.SafeContents({ safeBags: certificates }) },
      ],
    },
  })
  await safe.makeInternalValues({ safeContents: [{}, encryption(password)] }, engine)
  return safe
}

async function stamped(authenticatedSafe: pkijs.AuthenticatedSafe, password: ArrayBuffer): Promise<Buffer> {
  const pfx = new pkijs.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe } })
  await pfx.makeInternalValues(
    { password, iterations: ITERATIONS, pbkdf2HashAlgorithm: HASH, hmacHashAlgorithm: HASH },
    engine,
  )
  return Buffer.from(pfx.toSchema().toBER())
}

function encryption(password: ArrayBuffer) {
  return {
    password,
    contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
    hmacHashAlgorithm: HASH,
    iterationCount: ITERATIONS,
  }
}
