import { type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { type Config } from '../config/load.ts'
import { type CertificateAuthority } from '../pki/certificate-authority.ts'
import { describeCertificate, findIssuer } from '../pki/describe-certificate.ts'
import { type OnExisting, writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import { parseCertificates } from '../pki/pem.ts'
import { hasFile } from '../ops/has-file.ts'

/** Under which names a server is reached on the machine that it runs on. */
export function defaultServerNames(): readonly string[] {
  return ['localhost', '127.0.0.1', '::1', hostname()]
}

export interface ServerPairRequest {
  readonly names: readonly string[]
  readonly days?: number
  readonly now: Date
  readonly onExisting: OnExisting
}

/** Issues the endpoint's certificate and writes it with its key; gives back the paths. */
export async function issueServerPair(
  authority: CertificateAuthority,
  tls: Config['tls'],
  { onExisting, ...request }: ServerPairRequest,
): Promise<readonly string[]> {
  const pair = await authority.issueServer(request)
  await writeKeyFile(tls.key, pair.keyPem, onExisting)
  await writeCertificateFile(tls.certificate, pair.certificatePem, onExisting)
  return [tls.certificate, tls.key]
}

export interface ServerCertificate {
  readonly names: readonly string[]
  readonly issuer: X509Certificate
}

/** The endpoint's certificate if the built-in CA has made it. */
export async function readServerCertificate(
  tls: Config['tls'],
  caCertificates: readonly X509Certificate[],
): Promise<ServerCertificate | 'absent' | 'foreign'> {
  if (!(await hasFile(tls.certificate))) return 'absent'
  const [certificate] = parseCertificates(await readFile(tls.certificate, 'utf8'))
  const issuer = findIssuer(certificate, caCertificates)
  if (issuer === undefined) return 'foreign'
  const { altNames } = describeCertificate(certificate, issuer)
  return { issuer, names: altNames.map((name) => name.replace(/^(?:DNS|IP):/, '')) }
}
