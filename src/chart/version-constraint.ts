import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import {
  parseChartVersion,
  precedenceKey,
  versionParts,
  type ChartVersion,
  type VersionParts,
} from './version.ts'

/**
 * Constraints on versions as Helm reads them: Masterminds/semver 3.4 (`NewConstraint`, `Check`), which npm's ranges
 * resemble and are not. Commas join like blanks, `=>`, `=<`, `~>` and `!=` exist, `>1.2` begins at 1.3.0, `^*` takes
 * nothing but 0.0.0, and a pre-release is considered where any constraint of the same group names one.
 */
export type VersionConstraint = (version: ChartVersion) => boolean

/** A limit of ours; what people write has some dozen characters. */
const LONGEST_CONSTRAINT = 256

/** Throws `chart-unknown` for what is no constraint, as ChartMuseum does. */
export function parseVersionConstraint(text: string): VersionConstraint {
  if (text.length > LONGEST_CONSTRAINT) throw improper(text)
  const groups = text.split('||').map((group) => parseGroup(group, text))
  return (version) => {
    const candidate = comparable(version)
    return groups.some((group) => satisfiesAll(candidate, group))
  }
}

type Operator = keyof typeof CHECKS

interface Comparable extends VersionParts {
  readonly key: string
}

/** A version in a constraint. Where a part is missing or a wildcard, it and those behind it count as 0. */
interface Bound extends Comparable {
  /** The first part that is missing or a wildcard. */
  readonly open: 'major' | 'minor' | 'patch' | 'none'
}

interface Constraint {
  readonly operator: Operator
  readonly bound: Bound
}

function satisfiesAll(candidate: Comparable, group: readonly Constraint[]): boolean {
  const namesPrerelease = group.some(({ bound }) => bound.prerelease !== '')
  if (candidate.prerelease !== '' && !namesPrerelease) return false
  return group.every(({ operator, bound }) => CHECKS[operator](candidate, bound))
}

type Check = (version: Comparable, bound: Bound) => boolean

const CHECKS = {
  '': isEqualOrWithin,
  '=': isEqualOrWithin,
  '!=': isOther,
  '>': isGreater,
  '<': (version, bound) => version.key < bound.key,
  '>=': (version, bound) => version.key >= bound.key,
  '=>': (version, bound) => version.key >= bound.key,
  '<=': isAtMost,
  '=<': isAtMost,
  '~': isWithinMinor,
  '~>': isWithinMinor,
  '^': isCompatible,
} as const satisfies Record<string, Check>

function isEqualOrWithin(version: Comparable, bound: Bound): boolean {
  return bound.open === 'none' ? version.key === bound.key : isWithinMinor(version, bound)
}

function isOther(version: Comparable, bound: Bound): boolean {
  if (bound.open === 'minor') return version.major !== bound.major
  if (bound.open !== 'patch') return version.key !== bound.key
  const isInside = version.major === bound.major && version.minor === bound.minor
  return !isInside || version.prerelease !== bound.prerelease
}

function isGreater(version: Comparable, bound: Bound): boolean {
  if (bound.open === 'minor') return version.major > bound.major
  if (bound.open !== 'patch') return version.key > bound.key
  return version.major > bound.major || (version.major === bound.major && version.minor > bound.minor)
}

function isAtMost(version: Comparable, bound: Bound): boolean {
  if (bound.open === 'none') return version.key <= bound.key
  if (version.major !== bound.major) return version.major < bound.major
  return bound.open === 'minor' || version.minor <= bound.minor
}

function isWithinMinor(version: Comparable, bound: Bound): boolean {
  if (version.key < bound.key) return false
  const isZero = bound.major === 0n && bound.minor === 0n && bound.patch === 0n
  if (isZero && (bound.open === 'none' || bound.open === 'major')) return true
  return version.major === bound.major && (bound.open === 'minor' || version.minor === bound.minor)
}

function isCompatible(version: Comparable, bound: Bound): boolean {
  if (version.key < bound.key || version.major !== bound.major) return false
  if (bound.major > 0n || bound.open === 'minor') return true
  if (version.minor !== bound.minor) return false
  return bound.minor > 0n || bound.open === 'patch' || version.patch === bound.patch
}

/** Operator, then up to three numbers or wildcards, the pre-release with its hyphen, and build metadata, which never counts. */
const PART = '[0-9]+|[xX*]'
const IDENTIFIERS = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*'
const CONSTRAINT = new RegExp(
  `^(=|!=|>|<|>=|=>|<=|=<|~|~>|\\^|)v?(${PART})(?:\\.(${PART}))?(?:\\.(${PART}))?` +
    `(-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?$`,
)

function parseGroup(group: string, whole: string): readonly Constraint[] {
  return splitGroup(group).map((item) => {
    const match = CONSTRAINT.exec(item)
    if (match === null) throw improper(whole)
    const [, operator = '', major = '', minor, patch, prerelease = ''] = match
    // Only the operators of CHECKS match.
    return { operator: operator as Operator, bound: parseBound([major, minor, patch], prerelease, whole) }
  })
}

/** The constraints of a group, each without blanks: `1 - 2` as `>=1`, `<=2`; of `> 1, <2` the parts that the comma joins. */
function splitGroup(group: string): readonly string[] {
  return group
    .replace(/[\t\n\f\r ]+/g, ' ')
    .trim()
    .replace(/(^|[ ,])([^ ,]+) - ([^ ,]+)/g, '$1>=$2 <=$3')
    .replace(/([=!<>~^]) (?=[v0-9xX*])/g, '$1')
    .replace(/ ?, ?/g, ',')
    .split(/[ ,]/)
}

function parseBound(parts: readonly (string | undefined)[], prerelease: string, whole: string): Bound {
  const firstOpen = parts.findIndex((part) => part === undefined || /^[xX*]$/.test(part))
  const open = (['major', 'minor', 'patch', 'none'] as const).at(firstOpen) ?? 'none'
  const numbers = parts.map((part, place) => (firstOpen >= 0 && place >= firstOpen ? 0n : BigInt(part ?? 0)))
  try {
    return { ...comparable(parseChartVersion(`${numbers.join('.')}${prerelease}`)), open }
  } catch (error) {
    throw improper(whole, error)
  }
}

function comparable(version: ChartVersion): Comparable {
  return { ...versionParts(version), key: precedenceKey(version) }
}

function improper(text: string, cause?: unknown): AppError {
  return new AppError('chart-unknown', `improper constraint: ${quoted(text)}`, { cause })
}
