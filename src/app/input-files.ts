import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { Secret } from '../config/secret.ts'

/** The files that a part of the configuration names: by then, every path in it is absolute, and nothing else is. */
export function filesNamedIn(section: unknown): readonly string[] {
  if (typeof section === 'string') return isAbsolute(section) ? [section] : []
  if (typeof section !== 'object' || section === null) return []
  return Object.values(section).flatMap(filesNamedIn)
}

/** Changes when the settings or the contents of a file named in them do. */
export async function revisionOf(section: unknown): Promise<string> {
  const hash = createHash('sha256').update(settingsRevision(section))
  for (const file of filesNamedIn(section)) {
    // A file that is not there is a state like any other; whether it may be absent is its reader's business.
    hash.update(await readFile(file).catch(() => Buffer.from('absent')))
  }
  return hash.digest('hex')
}

/** Changes when the settings do, secrets included; gives none of them away. */
export function settingsRevision(section: unknown): string {
  const text = JSON.stringify([section], function (this: Record<string, unknown>, name, shown: unknown) {
    const value = this[name]
    return value instanceof Secret ? createHash('sha256').update(value.reveal()).digest('hex') : shown
  })
  return createHash('sha256').update(text).digest('hex')
}
