import { readFile } from 'node:fs/promises'
import { type ClientCa, type Config } from '../config/load.ts'
import { AppError, isSystemError } from '../errors.ts'
import { type TlsMaterial } from '../http/tls-options.ts'
import { type TrustAnchor } from '../http/trust-anchor.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { parseCertificates } from '../pki/pem.ts'
import { checkServerCertificate } from '../pki/server-certificate.ts'

/** The endpoint's certificate with its intermediates, and its key. */
export type Endpoint = Omit<TlsMaterial, 'anchors'>

/** Reads and checks what the endpoint shows. Throws `key-unusable`, naming the file and what to do about it. */
export async function readEndpoint(
  { certificate, key }: Pick<Config['tls'], 'certificate' | 'key'>,
  now: Date,
): Promise<Endpoint> {
  const certificatePem = await readPem(certificate)
  const keyPem = await readKeyFile(key)
  about(certificate, () => {
    checkServerCertificate({ certificatePem, keyPem }, now)
  })
  return { certificatePem, keyPem }
}

/** Reads and checks the CAs that clients' certificates may chain to. Throws as `readEndpoint`. */
export async function readAnchors(files: readonly ClientCa[], now: Date): Promise<readonly TrustAnchor[]> {
  return Promise.all(files.map((ca) => readAnchor(ca, now)))
}

async function readAnchor({ name, file }: ClientCa, now: Date): Promise<TrustAnchor> {
  const pem = await readPem(file)
  const certificates = about(file, () => parseCertificates(pem))
  if (!certificates.some((certificate) => certificate.checkIssued(certificate))) {
    // OpenSSL follows a chain to its root, and Node 24 does not let a server say otherwise.
    throw new AppError(
      'key-unusable',
      `${file}: holds no self-signed root; add the CAs above, up to the root`,
    )
  }
  if (certificates.every(({ validToDate }) => validToDate < now)) {
    throw new AppError(
      'key-unusable',
      `${file}: every CA certificate in it has expired, so nobody could connect`,
    )
  }
  return { name, certificates }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const hint = isSystemError(error, 'ENOENT') ? 'is missing; "chartroom init" makes it' : 'cannot be read'
    throw new AppError('key-unusable', `${file} ${hint}`, { cause: error })
  }
}

/** Puts the file's name before what is wrong with it. */
function about<T>(file: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof AppError)
      throw new AppError(error.code, `${file}: ${error.message}`, { cause: error })
    throw error
  }
}
