import { constants } from 'node:fs'
import { access, lstat } from 'node:fs/promises'
import { dirname, parse, join } from 'node:path'
import { AppError, isSystemError } from '../errors.ts'
import { readKeyFile, writeKeyFile } from '../pki/key-store.ts'
import { quoted } from '../text.ts'

/** Where an older private key is kept: `provenance.key.<fingerprint>.asc` beside `provenance.key.asc`. */
export function archivedKeyFile(keyFile: string, fingerprint: string): string {
  const { dir, name, ext } = parse(keyFile)
  return join(dir, `${name}.${fingerprint}${ext}`)
}

/** Where that is kept by which an older key can be revoked when the key itself is gone. */
export function revocationFile(keyFile: string, fingerprint: string): string {
  const { dir, name, ext } = parse(keyFile)
  return join(dir, `${name}.${fingerprint}.revocation${ext}`)
}

/**
 * Refuses a file that is not ours to replace: behind a symbolic link, as in a mounted Secret, or on a read-only file
 * system. Throws `request-invalid`.
 */
export async function requireReplaceable(file: string): Promise<void> {
  if (await isSymbolicLink(file)) throw notOurs(file, 'is a symbolic link, as in a mounted Secret')
}

async function isSymbolicLink(file: string): Promise<boolean> {
  try {
    await access(dirname(file), constants.W_OK)
    return (await lstat(file)).isSymbolicLink()
  } catch (error) {
    // The file, and its folder, are made.
    if (isSystemError(error, 'ENOENT')) return false
    throw notOurs(file, 'is where nothing can be written', error)
  }
}

/** Once more the same is no mistake: an earlier run may have died right after it. Throws `request-invalid` otherwise. */
export async function keepKeyFile(file: string, content: string): Promise<void> {
  try {
    await writeKeyFile(file, content)
  } catch (error) {
    if (!(error instanceof AppError) || (await readKeyFile(file)) !== content) throw error
  }
}

function notOurs(file: string, why: string, cause?: unknown): AppError {
  return new AppError(
    'request-invalid',
    `${quoted(file)} ${why}: --out DIR writes the new files elsewhere, for you to put in place`,
    { cause },
  )
}
