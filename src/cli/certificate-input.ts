import { type KeyObject, type X509Certificate } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { AppError } from '../errors.ts'
import { parseCertificateRequest } from '../pki/csr.ts'
import { parseCertificates } from '../pki/pem.ts'

/** Certificates and requests that the caller of a command names. Throws `request-invalid`, naming the file. */

/** A hundred times a long chain. */
const LARGEST_FILE = 1024 * 1024

export async function readCertificateRequest(file: string): Promise<KeyObject> {
  return about(file, parseCertificateRequest)
}

/** The first one is meant; others are its chain. */
export async function readCertificateChain(
  file: string,
): Promise<readonly [X509Certificate, ...X509Certificate[]]> {
  return about(file, parseCertificates)
}

async function about<T>(file: string, parse: (text: string) => T): Promise<T> {
  const content = await readText(file)
  try {
    return parse(content)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError('request-invalid', `${file}: ${error.message}`, { cause: error })
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await text(createReadStream(file, { end: LARGEST_FILE - 1 }))
  } catch (error) {
    throw new AppError('request-invalid', `${file} cannot be read`, { cause: error })
  }
}
