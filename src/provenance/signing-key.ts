import { inspect } from 'node:util'
import { type PrivateKey, type SignaturePacket, type Subkey } from 'openpgp'
import { escapeText, renderClearSigned, signedText } from './clear-signed.ts'
import { CLOCK_SKEW_MS } from './clock-skew.ts'
import { fingerprintOf, Keyring } from './keyring.ts'
import { parseProvenance } from './message.ts'
import { describeFailure, openPrivateKey, unusable, type OpenedKey } from './open-private-key.ts'
import { checkSignature, hashNames, keyIdOf, readSignatures, writeSignatures } from './signatures.ts'
import { createTextSigner, type TextSigner } from './text-signer.ts'

export interface SigningKeySource {
  readonly armored: string
  readonly passphrase?: string
  /** The clock, unless it is given. */
  readonly now?: () => Date
}

/** The server's OpenPGP key. Shows nobody its secret part: not in an error, not in a log, not to `inspect`. */
export class SigningKey {
  readonly #key: PrivateKey
  readonly #signer: PrivateKey | Subkey
  readonly #signText: TextSigner
  readonly #now: () => Date
  /** Of the primary key, in upper-case hex. */
  readonly fingerprint: string
  /** From then on Helm 4 refuses all signatures of this key, the old ones too, until a later expiry is published. */
  readonly expiresAt: Date | undefined
  /** This key alone, to hand out. */
  readonly publicKeyring: Keyring

  private constructor({ key, signer, expiresAt }: OpenedKey, now: () => Date) {
    this.#key = key
    this.#signer = signer
    this.#signText = createTextSigner(key)
    this.#now = now
    this.fingerprint = fingerprintOf(key)
    this.expiresAt = expiresAt
    this.publicKeyring = new Keyring([key.toPublic()])
  }

  /** Throws `key-unusable`, saying what to do, when it could not sign what every Helm accepts. */
  static async open({ armored, passphrase, now = () => new Date() }: SigningKeySource): Promise<SigningKey> {
    const signingKey = new SigningKey(await openPrivateKey(armored, passphrase, now()), now)
    await signingKey.#tryOut()
    return signingKey
  }

  /**
   * The whole provenance file for a message of `renderProvenanceMessage`, as Helm writes it. Throws `key-unusable` when
   * the key has expired meanwhile.
   */
  async sign(message: string): Promise<string> {
    const signatures = await this.#makeSignature(signedText(message))
    return render(escapeText(message), signatures)
  }

  /**
   * The publisher's file with our signature in front of the others, over the same text, byte for byte: Helm takes the
   * first signature whose key it has, and Helm 3 stops at one that it cannot read. A file that we have countersigned
   * comes out as it is. Throws `provenance-invalid`, `too-large`, `key-unusable`, or `signature-bad` for a
   * forged signature of ours.
   */
  async countersign(provenance: Buffer | string): Promise<string> {
    return this.resign(provenance, new Set())
  }

  /** The same, without the signatures by keys with these IDs (`Keyring.keyIds`): those that spoke for us and must not. */
  async resign(provenance: Buffer | string, retired: ReadonlySet<string>): Promise<string> {
    const { text, escapedText, signatures: bytes } = parseProvenance(provenance)
    const signatures = await readSignatures(bytes)
    const own = signatures.filter((signature) => this.#isOurs(signature))
    for (const signature of own) await this.#check(signature, text)

    const first = own.length > 0 ? own : await this.#makeSignature(text)
    const others = signatures.filter(
      (signature) => !this.#isOurs(signature) && !retired.has(keyIdOf(signature)),
    )
    return render(escapedText, [...first, ...others])
  }

  [inspect.custom](): string {
    return `SigningKey ${this.fingerprint}`
  }

  async #makeSignature(text: string): Promise<readonly SignaturePacket[]> {
    try {
      return [await this.#signText(text, await this.#signingDate())]
    } catch (cause) {
      throw unusable(`cannot sign: ${describeFailure(cause)}`, cause)
    }
  }

  #isOurs(signature: SignaturePacket): boolean {
    return this.#key.getKeys(signature.issuerKeyID).length > 0
  }

  async #check(signature: SignaturePacket, text: string): Promise<void> {
    await checkSignature(signature, { text, key: this.#key.toPublic(), now: this.#now() })
  }

  /** Somewhat in the past, for clients whose clock is behind; but the key must have been valid then. */
  async #signingDate(): Promise<Date> {
    const now = this.#now()
    const { selfCertification } = await this.#key.getPrimaryUser(now)
    const since = [selfCertification.created, this.#signer.keyPacket.created]
    if ('verify' in this.#signer) since.push((await this.#signer.verify(now)).created)
    return new Date(Math.max(now.getTime() - CLOCK_SKEW_MS, ...since.map((date) => date?.getTime() ?? 0)))
  }

  /** A damaged key can look whole and sign nothing that verifies. Twice, since the later signatures are made otherwise. */
  async #tryOut(): Promise<void> {
    for (const text of ['try-out', 'another try-out']) {
      const signatures = await this.#makeSignature(text)
      await this.#checkAll(signatures, text)
    }
  }

  async #checkAll(signatures: readonly SignaturePacket[], text: string): Promise<void> {
    try {
      for (const signature of signatures) await this.#check(signature, text)
    } catch (cause) {
      throw unusable('is damaged: its secret part does not belong to its public one', cause)
    }
  }
}

function render(escapedText: string, signatures: readonly SignaturePacket[]): string {
  return renderClearSigned(escapedText, hashNames(signatures), writeSignatures(signatures))
}
