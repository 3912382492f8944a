import { type ImportPackage } from '../repository/import-package.ts'

/** Packages to import, wherever they are. */
export interface PackageSource {
  /** How many there are, as far as that is known beforehand. */
  readonly total: number | undefined
  /** What was left out, for the report. */
  readonly notes: readonly string[]
  /** The consumer closes each package, whatever comes of it; it may take the next before. */
  readonly packages: () => AsyncIterable<ImportPackage>
}
