import { type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSecret } from '../app/read-secret.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { CertificateAuthority } from '../pki/certificate-authority.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { decryptPrivateKey, isEncrypted, parseCertificates, parsePrivateKey } from '../pki/pem.ts'
import { hasFile } from '../ops/has-file.ts'

export const CA_CERTIFICATE = 'ca.crt'
export const CA_KEY = 'ca.key'
/** From `ca rotate` until `ca retire`: the key of the CA before, for its CRL and the server's certificate. */
export const CA_OLD_KEY = 'ca.key.old'

/** What commands need of the configuration to find and unlock the CA. */
export type CaConfig = Pick<Config, 'certs' | 'ca'>

/** The CA that `chartroom init` made, and during a rotation the one before it. */
export interface BuiltInCa {
  /** Signs clients from now on. */
  readonly issuing: CertificateAuthority
  /** The CA before, where its key is here and it has not expired. */
  readonly retiring: CertificateAuthority | undefined
  /** All that is in `ca.crt`, for clients to trust. */
  readonly bundlePem: string
  readonly certificates: readonly X509Certificate[]
}

/** Throws `key-unusable` where there is none, or its key is kept elsewhere. */
export async function openBuiltInCa(config: CaConfig, now: Date): Promise<BuiltInCa> {
  const { bundlePem, certificates } = await readCaCertificates(config.certs)
  const passphrase = await readCaPassphrase(config.ca)
  const issuing = await openWithKey(config.certs, CA_KEY, { certificates, passphrase, now })
  if (issuing === undefined) {
    throw new AppError('key-unusable', `${CA_KEY} belongs to no certificate in ${CA_CERTIFICATE}`)
  }
  const retiring = (await hasFile(join(config.certs, CA_OLD_KEY)))
    ? await openWithKey(config.certs, CA_OLD_KEY, {
        certificates: current(certificates, now),
        passphrase,
        now,
      })
    : undefined
  return { issuing, retiring, bundlePem, certificates }
}

/** The CA certificates, needed also where their keys are not. Throws `key-unusable`. */
export async function readCaCertificates(
  certs: string,
): Promise<{ readonly bundlePem: string; readonly certificates: readonly X509Certificate[] }> {
  const file = join(certs, CA_CERTIFICATE)
  const bundlePem = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('key-unusable', `${file} cannot be read: "chartroom init" makes it`, { cause: error })
  })
  return { bundlePem, certificates: parseCertificates(bundlePem) }
}

export async function isCaKeyHere({ certs }: CaConfig): Promise<boolean> {
  return hasFile(join(certs, CA_KEY))
}

export async function readCaPassphrase({
  passphrase,
  passphraseFile,
}: Config['ca']): Promise<string | undefined> {
  return readSecret(passphrase, passphraseFile)
}

interface Candidates {
  readonly certificates: readonly X509Certificate[]
  readonly passphrase: string | undefined
  readonly now: Date
}

/** The CA whose key is in the file; `undefined` when none of the certificates is its. */
async function openWithKey(
  certs: string,
  keyFile: string,
  { certificates, passphrase, now }: Candidates,
): Promise<CertificateAuthority | undefined> {
  const keyPem = await readCaKey(join(certs, keyFile), passphrase)
  const key = parsePrivateKey(keyPem)
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(key))
  if (certificate === undefined) return undefined
  return CertificateAuthority.open({ certificatePem: certificate.toString(), keyPem }, now)
}

async function readCaKey(file: string, passphrase: string | undefined): Promise<string> {
  const pem = await readKeyFile(file)
  if (!isEncrypted(pem)) return pem
  if (passphrase === undefined) {
    throw new AppError(
      'key-unusable',
      `${file} is encrypted: set CHARTROOM_CA_PASSPHRASE or ca.passphraseFile`,
    )
  }
  return decryptPrivateKey(pem, passphrase).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function current(certificates: readonly X509Certificate[], now: Date): readonly X509Certificate[] {
  return certificates.filter(({ validToDate }) => validToDate >= now)
}
