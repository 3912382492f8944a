import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

declare const brand: unique symbol

/** A chart's version: SemVer 2.0.0, with a leading `v` allowed; its text is kept as written. */
export type ChartVersion = string & { readonly [brand]: 'ChartVersion' }

/** The grammar of semver.org, item 2 to 10, with the `v` that cert-manager's charts carry. */
const NUMBER = '(?:0|[1-9][0-9]*)'
const PRERELEASE_PART = `(?:${NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)`
const VERSION = new RegExp(
  `^v?(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})` +
    `(?:-(${PRERELEASE_PART}(?:\\.${PRERELEASE_PART})*))?` +
    `(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$`,
)

/** Helm's parser (Masterminds/semver) holds numbers in 64 bits and drops the chart otherwise. */
const MOST_DIGITS = 19
/** An OCI tag's limit, so that each version can be a tag. */
const LONGEST_VERSION = 128

/** Throws `chart-invalid`. */
export function parseChartVersion(text: string): ChartVersion {
  const match = text.length <= LONGEST_VERSION ? VERSION.exec(text) : null
  if (match === null) {
    throw new AppError(
      'chart-invalid',
      `not a SemVer 2 version: ${quoted(text)} (expected for example "1.2.3")`,
    )
  }
  const identifiers = [match[1], match[2], match[3], ...(match[4]?.split('.') ?? [])]
  if (identifiers.some((part) => part !== undefined && isNumber(part) && part.length > MOST_DIGITS)) {
    throw new AppError('chart-invalid', `a number in the version ${quoted(text)} is too large for Helm`)
  }
  return text as ChartVersion
}

/** Whether the version is a pre-release (semver.org, item 9). */
export function isPrerelease(version: ChartVersion): boolean {
  return VERSION.exec(version)?.[4] !== undefined
}

/** What SemVer compares, part by part. */
export interface VersionParts {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  /** Without its hyphen; `''` for a release. */
  readonly prerelease: string
}

export function versionParts(version: ChartVersion): VersionParts {
  const [, major = '', minor = '', patch = '', prerelease = ''] = VERSION.exec(version) ?? []
  return { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), prerelease }
}

/** A text that sorts bytewise as SemVer precedence does (semver.org, item 11): equal where only build metadata differs. */
export function precedenceKey(version: ChartVersion): string {
  const [, major = '', minor = '', patch = '', prerelease] = VERSION.exec(version) ?? []
  return `${[major, minor, patch].map(numberKey).join('')}${prereleaseKey(prerelease)}`
}

/**
 * The same with versions of equal precedence in order of build metadata, then of their whole text, so that a database
 * can order versions.
 */
export function versionSortKey(version: ChartVersion): string {
  const build = VERSION.exec(version)?.[5] ?? ''
  return `${precedenceKey(version)} ${build} ${version}`
}

/** Below, `!` ends a list (a longer one is greater), `0` marks numbers, `1` words, `~` a release. */
function prereleaseKey(prerelease: string | undefined): string {
  if (prerelease === undefined) return '~'
  const keys = prerelease.split('.').map((part) => (isNumber(part) ? `0${numberKey(part)}` : `1${part}!`))
  return `${keys.join('')}!`
}

/** Digits behind their count: bytewise order is then numeric order. */
function numberKey(digits: string): string {
  return `${String(digits.length).padStart(2, '0')}${digits}`
}

function isNumber(identifier: string): boolean {
  return /^[0-9]+$/.test(identifier)
}
