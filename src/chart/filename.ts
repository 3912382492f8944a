import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type ChartName } from './name.ts'
import { type ChartVersion } from './version.ts'

declare const brand: unique symbol

/** An archive's file name, `<name>-<version>.tgz`. Two charts can share one: `a-1.0.0` `2.0.0`, `a` `1.0.0-2.0.0`. */
export type ArchiveFilename = string & { readonly [brand]: 'ArchiveFilename' }

export const ARCHIVE_SUFFIX = '.tgz'
export const PROVENANCE_SUFFIX = '.prov'

const FILENAME = /^[a-z0-9][a-zA-Z0-9._+-]*\.tgz$/

/** File systems allow 255 bytes, and Helm saves `<file name>.prov` beside the archive. */
const LONGEST_FILENAME = 255 - PROVENANCE_SUFFIX.length

/** Throws `chart-invalid` when name and version together are too long for a file name. */
export function archiveFilename(name: ChartName, version: ChartVersion): ArchiveFilename {
  const filename = `${name}-${version}${ARCHIVE_SUFFIX}`
  if (filename.length > LONGEST_FILENAME) {
    throw new AppError('chart-invalid', `the file name of ${quoted(name)} would be longer than a disk allows`)
  }
  return filename as ArchiveFilename
}

/** A file name from a request, to look up; `undefined` when no archive can have it. */
export function findArchiveFilename(text: string): ArchiveFilename | undefined {
  return text.length <= LONGEST_FILENAME && FILENAME.test(text) ? (text as ArchiveFilename) : undefined
}
