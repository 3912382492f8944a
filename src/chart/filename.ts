import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { parseChartName, type ChartName } from './name.ts'
import { parseChartVersion, type ChartVersion } from './version.ts'

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

/** A chart's version that a file name can be of. */
export interface FilenameReading {
  readonly name: ChartName
  readonly version: ChartVersion
}

const BEFORE_VERSION = /-(?=v?[0-9]+\.[0-9]+\.[0-9])/g

/** What a file name can mean, given without its suffix: hardly ever more than one chart. From the shortest name. */
export function readingsOf(stem: string): readonly FilenameReading[] {
  return [...stem.matchAll(BEFORE_VERSION)].flatMap(({ index }) => {
    try {
      return [
        { name: parseChartName(stem.slice(0, index)), version: parseChartVersion(stem.slice(index + 1)) },
      ]
    } catch (error) {
      if (error instanceof AppError) return []
      throw error
    }
  })
}
