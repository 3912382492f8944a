import { type KeyObject, randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type CertifiedKey, type ClientRequest, type PemPair } from '../pki/certificate-authority.ts'
import { type CertificateDescription } from '../pki/describe-certificate.ts'
import { type OnExisting, writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import { toPkcs12 } from '../pki/pkcs12.ts'
import { quoted } from '../text.ts'
import { hasFile } from '../ops/has-file.ts'
import { type BuiltInCa } from './built-in-authority.ts'

export interface ClientSubject {
  /** The common name, and what the files are called. */
  readonly name: string
  readonly organizations: readonly string[]
  readonly units: readonly string[]
  readonly uri?: string
  readonly emails?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly days?: number
}

export interface ClientFilesRequest extends ClientSubject {
  readonly bundle: 'pkcs12' | 'none'
  /** Default: `clients` in the certs folder. */
  readonly directory?: string
}

export interface IssueDeps {
  readonly ca: BuiltInCa
  readonly catalog: Catalog
  readonly actor: Actor
}

/** A name that is a file name on every system. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** Issues a client certificate and writes its files; gives back their paths. Existing files are never overwritten. */
export async function issueClientFiles(
  deps: IssueDeps,
  certs: string,
  request: ClientFilesRequest,
): Promise<readonly string[]> {
  const base = clientBase(certs, request.name, request.directory)
  for (const file of [`${base}.crt`, `${base}.key`]) await requireAbsent(file)
  const issued = await issueClient(deps, request)
  await writeClientPair(base, issued, 'refuse')
  if (request.bundle === 'none') return [`${base}.crt`, `${base}.key`]
  const bundle = await writeBundle(base, { ...issued, caPem: deps.ca.bundlePem, friendlyName: request.name })
  return [`${base}.crt`, `${base}.key`, ...bundle]
}

/** Certifies a key that was made elsewhere; gives back the path of the certificate, the only file. */
export async function certifyClientFile(
  deps: IssueDeps,
  certs: string,
  request: ClientSubject & { readonly publicKey: KeyObject; readonly directory?: string },
): Promise<string> {
  const file = `${clientBase(certs, request.name, request.directory)}.crt`
  await requireAbsent(file)
  const certified = await deps.ca.issuing.certifyClient(
    clientRequest(request, deps.actor.at),
    request.publicKey,
  )
  await recordIssued(deps, certified)
  await writeCertificateFile(file, certified.certificatePem)
  return file
}

/** Issues and records a client certificate, which is in no file yet. */
export async function issueClient(deps: IssueDeps, subject: ClientSubject): Promise<CertifiedKey & PemPair> {
  const issued = await deps.ca.issuing.issueClient(clientRequest(subject, deps.actor.at))
  await recordIssued(deps, issued)
  return issued
}

/** Before anybody gets it: a certificate that nobody has is harmless, one that nobody knows of is not. */
export async function recordIssued(
  { catalog, actor }: Pick<IssueDeps, 'catalog' | 'actor'>,
  { issuerKey, serial, name, subject, altNames, notBefore, notAfter }: CertificateDescription,
): Promise<void> {
  const record = { issuerKey, serial, name, subject, altNames, notBefore, notAfter }
  await catalog.recordCertificate(record, actor)
}

/** The key first: until its certificate is there, nothing uses it, and a renewal can be done again. */
export async function writeClientPair(base: string, pair: PemPair, onExisting: OnExisting): Promise<void> {
  await writeKeyFile(`${base}.key`, pair.keyPem, onExisting)
  await writeCertificateFile(`${base}.crt`, pair.certificatePem, onExisting)
}

export function clientsFolder(certs: string, directory?: string): string {
  return directory === undefined ? join(certs, 'clients') : resolve(directory)
}

/** The path of a client's files without their endings. Throws `request-invalid`. */
export function clientBase(certs: string, name: string, directory?: string): string {
  return join(clientsFolder(certs, directory), fileName(name))
}

/** Beside the unencrypted key, the password in a file gives nothing away; on its own, the bundle is safe to send. */
export async function writeBundle(
  base: string,
  contents: PemPair & { readonly caPem: string; readonly friendlyName: string },
  onExisting: OnExisting = 'refuse',
): Promise<readonly string[]> {
  const { certificatePem, keyPem, caPem, friendlyName } = contents
  const password = randomBytes(18).toString('base64url')
  const bundle = await toPkcs12({ certificatePem, keyPem, caPem, password, friendlyName })
  await writeKeyFile(`${base}.p12`, bundle, onExisting)
  await writeKeyFile(`${base}.p12.password`, `${password}\n`, onExisting)
  return [`${base}.p12`, `${base}.p12.password`]
}

function clientRequest(subject: ClientSubject, now: Date): ClientRequest {
  const { name: commonName, organizations, units, uri, emails = [], dnsNames = [], days } = subject
  return {
    commonName,
    organizations,
    units,
    emails,
    dnsNames,
    ...(uri !== undefined && { uri }),
    ...(days !== undefined && { days }),
    now,
  }
}

function fileName(name: string): string {
  if (FILE_NAME.test(name)) return name
  throw new AppError(
    'request-invalid',
    `${quoted(name)} cannot be a file name (letters, digits, and . _ @ -)`,
  )
}

async function requireAbsent(file: string): Promise<void> {
  if (await hasFile(file)) {
    throw new AppError('request-invalid', `${file} exists already; it is not overwritten`)
  }
}
