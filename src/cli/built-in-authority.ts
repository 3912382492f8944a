import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import { CertificateAuthority } from '../pki/certificate-authority.ts'
import { readKeyFile } from '../pki/key-store.ts'

export const CA_CERTIFICATE = 'ca.crt'
export const CA_KEY = 'ca.key'

/** The CA that `chartroom init` made. Throws `key-unusable` where there is none. */
export async function openBuiltInAuthority(certs: string, now: Date): Promise<CertificateAuthority> {
  const keyPem = await readKeyFile(join(certs, CA_KEY))
  const certificatePem = await readFile(join(certs, CA_CERTIFICATE), 'utf8').catch((error: unknown) => {
    throw new AppError('key-unusable', `${join(certs, CA_CERTIFICATE)} cannot be read`, { cause: error })
  })
  return CertificateAuthority.open({ certificatePem, keyPem }, now)
}
