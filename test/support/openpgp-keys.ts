import {
  PacketList,
  SignaturePacket,
  config,
  createMessage,
  enums,
  generateKey,
  readPrivateKey,
  revokeKey,
  type SubkeyOptions,
} from 'openpgp'
import { Keyring } from '../../src/provenance/keyring.ts'
import { escapeText, renderClearSigned, signedText } from '../../src/provenance/clear-signed.ts'

/** Publishers' keys for tests, by default on P-256: those are made in no time. */

export interface TestKeyOptions {
  readonly type?: 'rsa' | 'ecc' | 'curve25519'
  readonly rsaBits?: number
  readonly curve?: 'nistP256' | 'nistP521' | 'ed25519Legacy'
  readonly date?: Date
  readonly lifetimeSeconds?: number
  readonly passphrase?: string
  readonly version?: 4 | 6
  readonly subkeys?: SubkeyOptions[]
}

const LAX = { minRSABits: 1024 }

/** Armored. */
export async function makeKey(options: TestKeyOptions = {}): Promise<string> {
  const {
    type = 'ecc',
    rsaBits,
    curve,
    date = new Date(Date.now() - 3_600_000),
    lifetimeSeconds = 0,
  } = options
  const { privateKey } = await generateKey({
    type,
    userIDs: { name: 'Test Publisher', email: 'publisher@example.com' },
    subkeys: options.subkeys ?? [],
    date,
    keyExpirationTime: lifetimeSeconds,
    config: { ...LAX, v6Keys: options.version === 6 },
    ...(type === 'ecc' && { curve: curve ?? 'nistP256' }),
    ...(type === 'rsa' && { rsaBits: rsaBits ?? 2048 }),
    ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
  })
  return privateKey
}

export async function revoked(armored: string, reason: 'superseded' | 'compromised'): Promise<string> {
  const flag =
    reason === 'superseded'
      ? enums.reasonForRevocation.keySuperseded
      : enums.reasonForRevocation.keyCompromised
  const { privateKey } = await revokeKey({
    key: await readPrivateKey({ armoredKey: armored }),
    reasonForRevocation: { flag },
    format: 'armored',
  })
  return privateKey
}

export async function publicArmored(armored: string): Promise<string> {
  return (await readPrivateKey({ armoredKey: armored })).toPublic().armor()
}

/** What Helm takes for `--keyring` when it signs. */
export async function secretBinary(armored: string): Promise<Uint8Array> {
  return (await readPrivateKey({ armoredKey: armored })).write()
}

export async function keyringOf(...armored: readonly string[]): Promise<Keyring> {
  return Keyring.parse(Buffer.from((await Promise.all(armored.map(publicArmored))).join('\n')))
}

export interface ClearSignOptions {
  readonly date?: Date
  readonly hash?: 'sha1' | 'sha256' | 'sha512'
  /** As a text, or as bytes like `gpg --sign` does. */
  readonly as?: 'text' | 'binary'
  readonly lifetimeSeconds?: number
  readonly criticalNotation?: string
}

/** A provenance file as a publisher's tool would make it, with the signatures in the order of the keys. */
export async function clearSign(
  message: string,
  armored: string | readonly string[],
  options: ClearSignOptions = {},
): Promise<string> {
  const keys = typeof armored === 'string' ? [armored] : armored
  const signatures = await Promise.all(keys.map((key) => signDetached(message, key, options)))
  return renderClearSigned(escapeText(message), ['SHA512'], Buffer.concat(signatures))
}

/** openpgp's own `sign` would refuse a weak hash. */
async function signDetached(
  message: string,
  armored: string,
  options: ClearSignOptions,
): Promise<Uint8Array> {
  const { date = new Date(), hash = 'sha512', as = 'text' } = options
  const text = signedText(message).replaceAll('\n', '\r\n')
  const binary = new TextEncoder().encode(text)
  const { packets } = as === 'text' ? await createMessage({ text }) : await createMessage({ binary })
  const key = await readPrivateKey({ armoredKey: armored })
  const { keyPacket } = await key.getSigningKey(undefined, null, undefined, { ...config, ...LAX })

  const signature = new SignaturePacket()
  signature.signatureType = enums.signature[as]
  signature.publicKeyAlgorithm = keyPacket.algorithm
  signature.hashAlgorithm = enums.hash[hash]
  if (options.lifetimeSeconds !== undefined) {
    signature.signatureExpirationTime = options.lifetimeSeconds
    signature.signatureNeverExpires = false
  }
  if (options.criticalNotation !== undefined) {
    const value = new Uint8Array([1])
    signature.rawNotations = [{ name: options.criticalNotation, value, humanReadable: false, critical: true }]
  }
  // The types say bytes where the code wants the literal packet, and leave out the configuration.
  const sign = signature.sign.bind(signature) as (...args: readonly unknown[]) => Promise<void>
  await sign(keyPacket, packets[0], date, true, { ...config, nonDeterministicSignaturesViaNotation: false })
  const list = new PacketList<SignaturePacket>()
  list.push(signature)
  return list.write()
}
