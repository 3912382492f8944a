import { randomBytes } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type CertificateAuthority, type IssuedCertificate } from '../pki/certificate-authority.ts'
import { writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import { toPkcs12 } from '../pki/pkcs12.ts'
import { quoted } from '../text.ts'

export interface ClientFilesRequest {
  /** The common name, and what the files are called. */
  readonly name: string
  readonly organizations: readonly string[]
  readonly units: readonly string[]
  readonly uri?: string
  readonly days?: number
  readonly bundle: 'pkcs12' | 'none'
  /** Default: `clients` in the certs folder. */
  readonly directory?: string
}

export interface IssueDeps {
  readonly authority: CertificateAuthority
  readonly catalog: Catalog
  readonly actor: Actor
}

/** A name that is a file name on every system. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/**
 * Issues a client certificate, records it and writes its files; gives back their paths. The record comes first: a
 * certificate that nobody got is harmless, one that nobody knows of is not. Existing files are never overwritten.
 */
export async function issueClientFiles(
  { authority, catalog, actor }: IssueDeps,
  certs: string,
  request: ClientFilesRequest,
): Promise<readonly string[]> {
  const base = join(clientsFolder(certs, request.directory), fileName(request.name))
  for (const file of [`${base}.crt`, `${base}.key`]) await requireAbsent(file)
  const { name: commonName, organizations, units, uri, days } = request
  const issued = await authority.issueClient({
    commonName,
    organizations,
    units,
    ...(uri !== undefined && { uri }),
    ...(days !== undefined && { days }),
    now: actor.at,
  })
  const { issuerKey, serial, subject, notBefore, notAfter } = issued
  await catalog.recordCertificate({ issuerKey, serial, subject, notBefore, notAfter }, actor)
  await writeKeyFile(`${base}.key`, issued.keyPem)
  await writeCertificateFile(`${base}.crt`, issued.certificatePem)
  const bundle = request.bundle === 'pkcs12' ? await writeBundle(base, authority, request.name, issued) : []
  return [`${base}.crt`, `${base}.key`, ...bundle]
}

export function clientsFolder(certs: string, directory?: string): string {
  return directory === undefined ? join(certs, 'clients') : resolve(directory)
}

/** Beside the unencrypted key, the password in a file gives nothing away; on its own, the bundle is safe to send. */
async function writeBundle(
  base: string,
  authority: CertificateAuthority,
  friendlyName: string,
  { certificatePem, keyPem }: IssuedCertificate,
): Promise<readonly string[]> {
  const password = randomBytes(18).toString('base64url')
  const contents = { certificatePem, keyPem, caPem: authority.certificatePem, password, friendlyName }
  await writeKeyFile(`${base}.p12`, await toPkcs12(contents))
  await writeKeyFile(`${base}.p12.password`, `${password}\n`)
  return [`${base}.p12`, `${base}.p12.password`]
}

function fileName(name: string): string {
  if (FILE_NAME.test(name)) return name
  throw new AppError(
    'request-invalid',
    `${quoted(name)} cannot be a file name (letters, digits, and . _ @ -)`,
  )
}

async function requireAbsent(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  )
  if (exists) throw new AppError('request-invalid', `${file} exists already; it is not overwritten`)
}
