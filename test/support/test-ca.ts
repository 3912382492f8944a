import { webcrypto } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { createKeyPair, type KeyPair, privateKeyPem } from '../../src/pki/key-pair.ts'
import { type Issuer, signCertificate } from '../../src/pki/sign-certificate.ts'
import {
  BasicConstraintsExtension,
  Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
} from '../../src/pki/x509.ts'

/**
 * Certificates for tests, sound or wrong in one chosen way: the product's CA rightly refuses to make most of these.
 * Every value goes into the certificate as it is, unchecked.
 */

export interface LeafOptions {
  readonly cn?: string
  readonly o?: string | readonly string[]
  readonly ou?: string | readonly string[]
  readonly uri?: string | readonly string[]
  readonly email?: string | readonly string[]
  readonly dns?: string | readonly string[]
  readonly ip?: string | readonly string[]
  /** Instead of the names: the DER of a subjectAltName's value. */
  readonly rawAltNames?: Uint8Array<ArrayBuffer>
  /** From the CA's `now`; 30 by default. */
  readonly days?: number
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly eku?: 'client' | 'server' | 'none'
  readonly key?: KeyKind
}

/** `ec` is P-256; `rsa-1024` is what nobody should use any more. */
type KeyKind = 'ec' | 'ec-p384' | 'rsa' | 'rsa-1024'

export interface CaOptions {
  /** The common name. A second CA made with the first one's name has the same subject and another key. */
  readonly name?: string
  readonly now?: Date
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly key?: KeyKind
}

const DAY_MS = 24 * 60 * 60 * 1000
const HOUR_MS = 60 * 60 * 1000

/** One end of a connection: `{ cert, key, ca }` as `tls`, `https.Agent`, undici and supertest take them. */
export class TestPeer {
  /** PEM: the leaf, then the intermediates, without the root. */
  readonly cert: string
  /** PEM, PKCS#8. */
  readonly key: string
  /** PEM: the root that the leaf chains to (its own certificate when it is self-signed). */
  readonly ca: string

  constructor(pems: { readonly cert: string; readonly key: string; readonly ca: string }) {
    this.cert = pems.cert
    this.key = pems.key
    this.ca = pems.ca
  }

  /** `<dir>/<name>.crt`, `.key` and `.ca.crt`, for real clients; the directory is made when absent. */
  async write(dir: string, name: string): Promise<PeerFiles> {
    const files = {
      certFile: join(dir, `${name}.crt`),
      keyFile: join(dir, `${name}.key`),
      caFile: join(dir, `${name}.ca.crt`),
    }
    await mkdir(dir, { recursive: true })
    await Promise.all([
      writeFile(files.certFile, this.cert),
      writeFile(files.keyFile, this.key, { mode: 0o600 }),
      writeFile(files.caFile, this.ca),
    ])
    return files
  }
}

export interface PeerFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export class TestCa {
  readonly certificatePem: string
  readonly keyPem: string
  readonly now: Date
  readonly #issuer: Issuer
  /** The certificates between a leaf and the root, the issuer's own first; empty for a root. */
  readonly #chain: readonly string[]
  readonly #rootPem: string

  private constructor(made: MadeCa, now: Date, above?: TestCa) {
    this.certificatePem = made.certificatePem
    this.keyPem = privateKeyPem(made.keys.privateKey)
    this.now = now
    this.#issuer = made.issuer
    this.#chain = above === undefined ? [] : [made.certificatePem, ...above.#chain]
    this.#rootPem = above === undefined ? made.certificatePem : above.#rootPem
  }

  static async create(options: CaOptions = {}): Promise<TestCa> {
    const now = options.now ?? new Date()
    return new TestCa(await makeCa({ name: 'Test CA', now, ...options }), now)
  }

  /** A CA certified by this one; its leaves' `cert` carries the chain up to, but without, the root. */
  async intermediate(name: string): Promise<TestCa> {
    return new TestCa(await makeCa({ name, now: this.now }, this.#issuer), this.now, this)
  }

  /** For an endpoint; by default one that every test client reaches on this machine. */
  async server(
    names: readonly string[] = ['localhost', '127.0.0.1', '::1'],
    options: LeafOptions = {},
  ): Promise<TestPeer> {
    return this.leaf({
      cn: names[0] ?? 'server',
      dns: names.filter((name) => isIP(name) === 0),
      ip: names.filter((name) => isIP(name) !== 0),
      eku: 'server',
      ...options,
    })
  }

  async client(options: LeafOptions = {}): Promise<TestPeer> {
    return this.leaf({ cn: 'client', eku: 'client', ...options })
  }

  /** A client whose certificate ended yesterday. */
  async expiredClient(options: LeafOptions = {}): Promise<TestPeer> {
    return this.client({ notBefore: this.#daysFromNow(-10), notAfter: this.#daysFromNow(-1), ...options })
  }

  /** A client whose certificate begins tomorrow. */
  async futureClient(options: LeafOptions = {}): Promise<TestPeer> {
    return this.client({ notBefore: this.#daysFromNow(1), notAfter: this.#daysFromNow(10), ...options })
  }

  /** Exactly what the options say: without `cn` no common name, without `eku` no extended key usage. */
  async leaf(options: LeafOptions): Promise<TestPeer> {
    const keys = await makeKeys(options.key)
    const cert = await signLeaf(options, keys, this.#issuer, this.now)
    return new TestPeer({
      cert: [cert, ...this.#chain].join(''),
      key: privateKeyPem(keys.privateKey),
      ca: this.#rootPem,
    })
  }

  #daysFromNow(days: number): Date {
    return new Date(this.now.getTime() + days * DAY_MS)
  }
}

/** A client certificate that nobody issued but its own key. */
export async function selfSignedClient(
  options: LeafOptions & { readonly now?: Date } = {},
): Promise<TestPeer> {
  const complete: LeafOptions = { cn: 'client', eku: 'client', ...options }
  const keys = await makeKeys(options.key)
  const issuer = issuerOf(subjectOf(complete), keys)
  const cert = await signLeaf(complete, keys, issuer, options.now ?? new Date())
  return new TestPeer({ cert, key: privateKeyPem(keys.privateKey), ca: cert })
}

interface MadeCa {
  readonly certificatePem: string
  readonly keys: KeyPair
  readonly issuer: Issuer
}

async function makeCa(options: CaOptions & { readonly now: Date }, above?: Issuer): Promise<MadeCa> {
  const keys = await makeKeys(options.key)
  const subject = subjectOf({ cn: options.name ?? '' })
  const own = issuerOf(subject, keys)
  const certificatePem = await signCertificate({
    subject,
    publicKey: keys.publicKey,
    issuer: above ?? own,
    notBefore: options.notBefore ?? new Date(options.now.getTime() - HOUR_MS),
    notAfter: options.notAfter ?? new Date(options.now.getTime() + 365 * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return { certificatePem, keys, issuer: own }
}

function issuerOf(subject: Name, keys: KeyPair): Issuer {
  return { subject, signingKey: keys.privateKey, keyIdentifier: keys.publicKey }
}

async function signLeaf(options: LeafOptions, keys: KeyPair, issuer: Issuer, now: Date): Promise<string> {
  return signCertificate({
    subject: subjectOf(options),
    publicKey: keys.publicKey,
    issuer,
    notBefore: options.notBefore ?? new Date(now.getTime() - HOUR_MS),
    notAfter: options.notAfter ?? new Date(now.getTime() + (options.days ?? 30) * DAY_MS),
    extensions: leafExtensions(options),
  })
}

function leafExtensions(options: LeafOptions): readonly Extension[] {
  const usage = options.eku ?? 'none'
  const names = altNames(options)
  const raw = options.rawAltNames
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ...(usage === 'none' ? [] : [new ExtendedKeyUsageExtension([USAGES[usage]])]),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])]),
    ...(raw === undefined ? [] : [new Extension('2.5.29.17', false, raw)]),
  ]
}

const USAGES = { client: ExtendedKeyUsage.clientAuth, server: ExtendedKeyUsage.serverAuth }

function altNames({ uri = [], email = [], dns = [], ip = [] }: LeafOptions): readonly JsonGeneralName[] {
  const named = (type: JsonGeneralName['type'], values: string | readonly string[]): JsonGeneralName[] =>
    [values].flat().map((value) => ({ type, value }))
  return [...named('url', uri), ...named('email', email), ...named('dns', dns), ...named('ip', ip)]
}

function subjectOf({ cn, o = [], ou = [] }: Pick<LeafOptions, 'cn' | 'o' | 'ou'>): Name {
  const named = (type: string, values: string | readonly string[]) =>
    [values].flat().map((utf8String) => ({ [type]: [{ utf8String }] }))
  return new Name([...named('O', o), ...named('OU', ou), ...named('CN', cn ?? [])])
}

async function makeKeys(kind: KeyKind = 'ec'): Promise<KeyPair> {
  if (kind === 'ec') return createKeyPair()
  if (kind === 'ec-p384') return generate({ name: 'ECDSA', namedCurve: 'P-384' })
  return generate({
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: kind === 'rsa' ? 2048 : 1024,
  })
}

async function generate(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams,
): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
