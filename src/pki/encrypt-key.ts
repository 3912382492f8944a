import { webcrypto } from 'node:crypto'
import * as pkijs from 'pkijs'
import { AppError } from '../errors.ts'
import { parsePrivateKey } from './pem.ts'

/** What OWASP's Password Storage Cheat Sheet asks of PBKDF2 with SHA-256; Node's own export makes 2,048 rounds. */
const ITERATIONS = 600_000

const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto })

/**
 * The private key as encrypted PKCS#8 (RFC 5958): AES-256 under PBKDF2, as OpenSSL and `parsePrivateKey` read it. Throws
 * `request-invalid` for an empty passphrase.
 */
export async function encryptPrivateKey(keyPem: string, passphrase: string): Promise<string> {
  if (passphrase === '') throw new AppError('request-invalid', 'the passphrase of a key must not be empty')
  const pkcs8 = parsePrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' })
  const bag = new pkijs.PKCS8ShroudedKeyBag({ parsedValue: pkijs.PrivateKeyInfo.fromBER(pkcs8) })
  await bag.makeInternalValues(
    {
      password: new TextEncoder().encode(passphrase).buffer,
      contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
      hmacHashAlgorithm: 'SHA-256',
      iterationCount: ITERATIONS,
    },
    engine,
  )
  return pem(Buffer.from(bag.toSchema().toBER()))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines}\n-----END ENCRYPTED PRIVATE KEY-----\n`
}
