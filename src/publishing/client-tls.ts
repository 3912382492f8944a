import { type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { AppError } from '../errors.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { parseCertificates, parsePrivateKey } from '../pki/pem.ts'

export interface ClientTlsFiles {
  readonly certFile?: string
  readonly keyFile?: string
  readonly caFile?: string
}

/** PEM, as `https.Agent` takes it. */
export interface ClientTls {
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
}

/**
 * Whom to trust and what to show. What the server could only refuse is found here, and said with the file's name. Without
 * a CA file, whom Node and the system trust, as with Helm and curl. Throws `key-unusable`.
 */
export async function readClientTls(files: ClientTlsFiles, now: Date): Promise<ClientTls> {
  const { certFile, keyFile, caFile } = files
  const ca = caFile === undefined ? publicCas() : [await readCaFile(caFile)]
  if (certFile === undefined && keyFile === undefined) return { ca }
  if (certFile === undefined || keyFile === undefined) {
    const [given, missing] =
      certFile === undefined ? ['--key-file', '--cert-file'] : ['--cert-file', '--key-file']
    throw new AppError('key-unusable', `${given} is of no use without ${missing}`)
  }
  const cert = await readCertificate(certFile)
  const [leaf] = about(certFile, () => parseCertificates(cert))
  requireValid(leaf, certFile, now)
  const key = await readKeyFile(keyFile)
  if (!leaf.checkPrivateKey(about(keyFile, () => parsePrivateKey(key)))) {
    throw new AppError('key-unusable', `${keyFile} is not the key of the certificate in ${certFile}`)
  }
  return { ca, cert, key }
}

function publicCas(): readonly string[] {
  return [...getCACertificates('default'), ...getCACertificates('system')]
}

async function readCaFile(file: string): Promise<string> {
  const pem = await readCertificate(file)
  about(file, () => parseCertificates(pem))
  return pem
}

async function readCertificate(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('key-unusable', `${file} cannot be read`, { cause: error })
  })
}

function requireValid({ validFromDate, validToDate }: X509Certificate, file: string, now: Date): void {
  if (validToDate < now) {
    throw new AppError('key-unusable', `the client certificate in ${file} expired on ${dayOf(validToDate)}`)
  }
  if (validFromDate > now) {
    throw new AppError(
      'key-unusable',
      `the client certificate in ${file} is valid only from ${dayOf(validFromDate)}`,
    )
  }
}

function dayOf(time: Date): string {
  return `${time.toISOString().slice(0, 'YYYY-MM-DDThh:mm'.length).replace('T', ' ')} UTC`
}

function about<T>(file: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${file}: ${error.message}`, { cause: error })
  }
}
