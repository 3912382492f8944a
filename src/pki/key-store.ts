import { randomUUID } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, isSystemError } from '../errors.ts'
import { quoted } from '../text.ts'
import { syncFolder } from '../ops/durable.ts'

/**
 * Keys and certificates as files. The paths come from the operator's own configuration, so messages may name them;
 * they never hold anything of a file's content. A write is durable when it has resolved, and a crash at any instant
 * leaves the old file or the new one.
 */

/** What becomes of a file that is there already. */
export type OnExisting = 'refuse' | 'replace'

const KEY_MODE = 0o600
const CERTIFICATE_MODE = 0o644
const OTHERS = 0o007

/** Thousands of times a key; keeps a mistaken path (a disk image, /dev/zero) out of memory. */
const LARGEST_KEY_FILE = 1024 * 1024

/**
 * Whatever holds a private key: PEM, PKCS#12, OpenPGP. Only its owner can read it, at every moment of the write.
 * Throws `request-invalid` when the file exists and is not to be replaced.
 */
export async function writeKeyFile(
  path: string,
  content: string | Uint8Array,
  onExisting: OnExisting = 'refuse',
): Promise<void> {
  await writeDurably(path, content, { mode: KEY_MODE, onExisting })
}

/** A certificate, which everybody may read. Throws as `writeKeyFile` does. */
export async function writeCertificateFile(
  path: string,
  content: string | Uint8Array,
  onExisting: OnExisting = 'refuse',
): Promise<void> {
  await writeDurably(path, content, { mode: CERTIFICATE_MODE, onExisting })
}

/**
 * The text of a key file. Throws `key-unusable` when it is absent, cannot be read, or could be read by every user of the
 * machine; its group may read it, for so Kubernetes mounts Secrets (`fsGroup`).
 */
export async function readKeyFile(path: string): Promise<string> {
  const file = await openKeyFile(path)
  try {
    await requirePrivate(file, path)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function openKeyFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const why = isSystemError(error, 'ENOENT') ? 'does not exist' : 'cannot be read by this process'
    throw new AppError('key-unusable', `the key file ${quoted(path)} ${why}`, { cause: error })
  }
}

/** Asks the open file, not the path: nobody can exchange it in between. */
async function requirePrivate(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat()
  if (!stat.isFile() || stat.size > LARGEST_KEY_FILE) {
    throw new AppError('key-unusable', `${quoted(path)} is not a key file`)
  }
  if ((stat.mode & OTHERS) !== 0) {
    throw new AppError(
      'key-unusable',
      `the key file ${quoted(path)} is open to every user of this machine: run chmod o-rwx ${quoted(path)}`,
    )
  }
}

interface WriteRules {
  readonly mode: number
  readonly onExisting: OnExisting
}

async function writeDurably(path: string, content: string | Uint8Array, rules: WriteRules): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${randomUUID()}.tmp`)
  await mkdir(directory, { recursive: true })
  try {
    await writeNew(temporary, content, rules.mode)
    await putInPlace(temporary, path, rules.onExisting)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(directory)
}

async function writeNew(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    // `open` takes the umask off the mode.
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A link, unlike a rename, fails when the name is taken, even when somebody took it just now. */
async function putInPlace(temporary: string, path: string, onExisting: OnExisting): Promise<void> {
  if (onExisting === 'replace') {
    await rename(temporary, path)
    return
  }
  try {
    await link(temporary, path)
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    throw new AppError('request-invalid', `${quoted(path)} exists already and is not overwritten`, {
      cause: error,
    })
  }
}
