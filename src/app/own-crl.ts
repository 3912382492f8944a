import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../errors.ts'

/** The file that `chartroom cert revoke` writes; `undefined` before it has. */
export async function readOwnCrl(certs: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(certs, 'crl.pem'))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
