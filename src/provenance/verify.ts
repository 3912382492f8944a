import { type SignaturePacket } from 'openpgp'
import { type Digest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { fingerprintOf, type Keyring } from './keyring.ts'
import { parseProvenance, type ParsedProvenance } from './message.ts'
import { checkSignature, keyIdOf, readSignatures, writeSignatures } from './signatures.ts'

export interface VerifyRequest {
  readonly provenance: Buffer | string
  readonly filename: string
  readonly digest: Digest
  readonly trusted: Keyring
  /** Now, unless given. */
  readonly now?: Date
}

export interface VerifiedProvenance extends ParsedProvenance {
  /** At least one, in the order of the file. */
  readonly signers: readonly Signer[]
}

interface Signer {
  /** 16 upper-case hexadecimal digits, as the signature says. */
  readonly keyId: string
  /** Of the trusted key that made the signature; absent for an unknown signer. */
  readonly fingerprint?: string
  readonly known: boolean
}

/**
 * What Helm checks, and more: every signature by a trusted key must be good, not only the first. Whether one of them
 * must be by a trusted key is the caller's to say (`requireKnownSigner`). Throws `provenance-invalid`,
 * `digest-mismatch`, `signature-bad` or `too-large`.
 */
export async function verifyProvenance(request: VerifyRequest): Promise<VerifiedProvenance> {
  const parsed = parseProvenance(request.provenance)
  requireDigest(parsed, request)
  const signatures = await readSignatures(parsed.signatures)
  const signers: Signer[] = []
  for (const signature of signatures) signers.push(await findSigner(signature, parsed.text, request))
  return { ...parsed, signers }
}

/** Throws `signer-unknown` when no signature is by a trusted key. */
export function requireKnownSigner({ signers }: VerifiedProvenance): void {
  if (signers.some(({ known }) => known)) return
  const keys = signers.map(({ keyId }) => keyId).join(', ')
  throw new AppError(
    'signer-unknown',
    `the provenance file is signed by a key that is not trusted here: ${keys}`,
  )
}

/** Whether one file has the text and all the signatures of the other. Throws `provenance-invalid` or `too-large`. */
export async function carriesSignaturesOf(file: Buffer | string, other: Buffer | string): Promise<boolean> {
  const [parsed, otherParsed] = [parseProvenance(file), parseProvenance(other)]
  if (parsed.text !== otherParsed.text) return false
  const carried = (await readSignatures(parsed.signatures)).map(packetBytes)
  return (await readSignatures(otherParsed.signatures))
    .map(packetBytes)
    .every((bytes) => carried.includes(bytes))
}

function requireDigest({ files }: ParsedProvenance, { filename, digest }: VerifyRequest): void {
  const signed = files.get(filename)
  if (signed === undefined) {
    throw new AppError('provenance-invalid', `the provenance file is not about ${quoted(filename)}`)
  }
  if (signed === digest) return
  throw new AppError(
    'digest-mismatch',
    `the provenance file is about other content of ${quoted(filename)}: it says sha256:${signed}, not ${digest}`,
  )
}

async function findSigner(signature: SignaturePacket, text: string, request: VerifyRequest): Promise<Signer> {
  const keyId = keyIdOf(signature)
  const { now = new Date() } = request
  let failure: AppError | undefined
  for (const key of request.trusted.findSigners(signature.issuerKeyID)) {
    try {
      await checkSignature(signature, { text, key, now })
      return { keyId, fingerprint: fingerprintOf(key), known: true }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      // Another trusted key may have the same ID; when none has made the signature, this is thrown below.
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  return { keyId, known: false }
}

function packetBytes(signature: SignaturePacket): string {
  return Buffer.from(writeSignatures([signature])).toString('base64')
}
