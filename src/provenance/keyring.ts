import { armor, enums, readKeys, revokeKey, unarmor, type KeyID, type PublicKey } from 'openpgp'
import { AppError } from '../errors.ts'
import { findUnreadablePart } from './helm-readable.ts'
import { describeKey, type KeyDescription } from './key-description.ts'
import { PUBLIC_KEY, SECRET_KEY, SECRET_SUBKEY, packetTags } from './packet-tags.ts'

/** Public keys: those that are handed out, or those of trusted publishers. Never holds a secret key. */
export class Keyring {
  readonly #keys: readonly PublicKey[]

  /** Takes over the keys. */
  constructor(keys: readonly PublicKey[]) {
    this.#keys = keys.map(withoutThirdParties)
  }

  static empty(): Keyring {
    return new Keyring([])
  }

  /**
   * One or more keys, binary or armored, also several blocks in a row. Throws `key-unusable` for a secret key, and for
   * one that cannot be used: a publisher who is trusted in vain would be worse.
   */
  static async parse(bytes: Uint8Array): Promise<Keyring> {
    const blocks = await readBlocks(Buffer.from(bytes))
    const keys = await Promise.all(blocks.map(readBlock))
    return new Keyring(keys.flat())
  }

  /** Of the primary keys, in upper-case hex as gpg prints them. */
  get fingerprints(): readonly string[] {
    return this.#keys.map(fingerprintOf)
  }

  /** These keys and the other's; of a key that is in both, the version that is here. */
  merge(other: Keyring): Keyring {
    const own = new Set(this.fingerprints)
    return new Keyring([...this.#keys, ...other.#keys.filter((key) => !own.has(fingerprintOf(key)))])
  }

  /** These keys and the other's; of a key that is in both, all that either knows: later expiries, revocations. */
  async combine(other: Keyring): Promise<Keyring> {
    const known = new Map(other.#keys.map((key) => [fingerprintOf(key), key]))
    const combined = this.#keys.map(async (key) => {
      const another = known.get(fingerprintOf(key))
      return another === undefined ? key : key.update(another)
    })
    return new Keyring(await Promise.all(combined)).merge(other)
  }

  /** Those of these keys that the other has not. */
  without(other: Keyring): Keyring {
    const others = new Set(other.fingerprints)
    return new Keyring(this.#keys.filter((key) => !others.has(fingerprintOf(key))))
  }

  /** Those of these keys that have one of the fingerprints, as these have them. */
  only({ fingerprints }: Pick<Keyring, 'fingerprints'>): Keyring {
    return new Keyring(this.#keys.filter((key) => fingerprints.includes(fingerprintOf(key))))
  }

  /** With the key marked as revoked that the certificate is about. Throws `key-unusable` when it is about none of these. */
  async revoke(certificate: string, now: Date): Promise<Keyring> {
    const revoked = await Promise.all(this.#keys.map((key) => applyRevocation(key, certificate, now)))
    const changed = revoked.filter((key) => key !== undefined)
    if (changed.length === 0) throw unusable('has no key that this revocation certificate is about')
    return new Keyring(changed).merge(this)
  }

  async describe(now: Date): Promise<readonly KeyDescription[]> {
    return Promise.all(this.#keys.map((key) => describeKey(key, now)))
  }

  /** Of all parts of all keys, as `keyIdOf` writes them. */
  get keyIds(): ReadonlySet<string> {
    return new Set(this.#keys.flatMap((key) => key.getKeyIDs().map((id) => id.toHex().toUpperCase())))
  }

  /** The keys one of whose parts has this ID; 64 bits are not quite unique. */
  findSigners(keyId: KeyID): readonly PublicKey[] {
    return this.#keys.filter((key) => key.getKeys(keyId).length > 0)
  }

  /**
   * What `helm --keyring` reads in every release. Helm 3 drops the key in front of one that it cannot read, so those
   * come first.
   */
  toBinary(): Buffer {
    const unreadable = this.#keys.filter((key) => findUnreadablePart(key) !== undefined)
    const readable = this.#keys.filter((key) => findUnreadablePart(key) === undefined)
    return Buffer.concat([...unreadable, ...readable].map((key) => key.write()))
  }

  /** What `gpg --import` reads; one block. */
  toArmored(): string {
    return armor(enums.armor.publicKey, this.toBinary(), undefined, undefined, undefined, true)
  }
}

export function fingerprintOf(key: PublicKey): string {
  return key.getFingerprint().toUpperCase()
}

async function applyRevocation(
  key: PublicKey,
  revocationCertificate: string,
  date: Date,
): Promise<PublicKey | undefined> {
  try {
    const { publicKey } = await revokeKey({ key, revocationCertificate, date, format: 'object' })
    return publicKey
  } catch {
    // About another key, or damaged: the caller, who has tried all keys, says so.
    return undefined
  }
}

const ARMORED_BLOCK = /-----BEGIN PGP [A-Z ]+-----[^]*?-----END PGP [A-Z ]+-----/g

/** Where a keybox says that it is one (GnuPG, kbx/keybox-blob.c). */
const KEYBOX_MAGIC = 'KBXf'
const KEYBOX_MAGIC_AT = 8

async function readBlocks(bytes: Buffer): Promise<readonly Buffer[]> {
  if (bytes.toString('latin1', KEYBOX_MAGIC_AT, KEYBOX_MAGIC_AT + KEYBOX_MAGIC.length) === KEYBOX_MAGIC) {
    throw unusable('is a GnuPG keybox; `gpg --export` writes what is needed here')
  }
  if ((bytes[0] ?? 0) >= 0x80) return [bytes]
  const blocks = bytes.toString('utf8').match(ARMORED_BLOCK)
  if (blocks === null) throw unusable('holds no OpenPGP key')
  return Promise.all(blocks.map(readArmor))
}

async function readArmor(block: string): Promise<Buffer> {
  try {
    // Bytes for text; the types of streams, which it could also be, are not part of the package.
    const { data } = (await unarmor(block)) as { readonly data: unknown }
    return Buffer.from(data as Uint8Array)
  } catch (cause) {
    throw unusable('has a damaged armored block', cause)
  }
}

async function readBlock(bytes: Buffer): Promise<readonly PublicKey[]> {
  const tags = packetTags(bytes)
  if (tags === undefined) throw unusable('is damaged')
  if (tags.some((tag) => tag === SECRET_KEY || tag === SECRET_SUBKEY)) {
    throw unusable('holds a secret key, and this one is for public keys: `gpg --export` writes those')
  }
  const keys = await parseKeys(bytes)
  if (keys.length !== tags.filter((tag) => tag === PUBLIC_KEY).length) {
    throw unusable('holds a key of a kind that cannot be used; export it again without that key')
  }
  return keys
}

async function parseKeys(bytes: Buffer): Promise<readonly PublicKey[]> {
  try {
    const keys = await readKeys({ binaryKeys: bytes })
    return keys.map((key) => key.toPublic())
  } catch (cause) {
    throw unusable('holds no OpenPGP key, or a damaged one', cause)
  }
}

/** What others certified is of no use here, and one Ed25519 certification makes Helm 3 drop an RSA key. */
function withoutThirdParties(key: PublicKey): PublicKey {
  for (const user of key.users) user.otherCertifications = []
  return key
}

function unusable(why: string, cause?: unknown): AppError {
  return new AppError('key-unusable', `the keyring ${why}`, { cause })
}
