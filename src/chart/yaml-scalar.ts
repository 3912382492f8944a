/**
 * Plain YAML scalars as Helm reads them: go-yaml v2 decides the kind (its `resolve`), sigs.k8s.io/yaml writes numbers
 * and booleans as text where the target is a string (its `convertToJSONableObject`).
 */

export interface YamlScalar {
  readonly kind: 'null' | 'boolean' | 'number' | 'string'
  /** What Helm reads where it wants a string; `''` for null. */
  readonly text: string
}

/** go-yaml's `resolveMap`: YAML 1.1 words in three spellings. */
const CONSTANTS: readonly (readonly [YamlScalar['kind'], string, string])[] = [
  ['null', '', ' ~ null Null NULL'],
  ['boolean', 'true', 'y Y yes Yes YES true True TRUE on On ON'],
  ['boolean', 'false', 'n N no No NO false False FALSE off Off OFF'],
  ['number', 'NaN', '.nan .NaN .NAN'],
  ['number', '+Inf', '.inf .Inf .INF +.inf +.Inf +.INF'],
  ['number', '-Inf', '-.inf -.Inf -.INF'],
]
const CONSTANT_BY_SPELLING = new Map(
  CONSTANTS.flatMap(([kind, text, spellings]) => spellings.split(' ').map((word) => [word, { kind, text }])),
)

/** Go's `strconv.ParseInt` with base 0, once the underscores are out: group 1 the sign, 2 to 5 the digits by base. */
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/
/** go-yaml's `yamlStyleFloat`. */
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
/** Go's `strconv.ParseFloat`, which go-yaml asks where the first character is a point: underscores only between digits. */
const POINT_FLOAT = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/

const LEAST_INT64 = -(2n ** 63n)
const MOST_INT64 = 2n ** 63n - 1n
const MOST_UINT64 = 2n ** 64n - 1n

export function resolvePlainScalar(source: string): YamlScalar {
  return resolve(source, formatFloat32)
}

/** The same for who wants values and no texts: a number's text is that of JSON, but for NaN and infinities. */
export function resolveJsonScalar(source: string): YamlScalar {
  return resolve(source, String)
}

type FormatFloat = (value: number) => string

function resolve(source: string, formatFloat: FormatFloat): YamlScalar {
  const constant = CONSTANT_BY_SPELLING.get(source)
  if (constant !== undefined) return constant
  const number = findNumber(source, formatFloat)
  return number === undefined ? stringScalar(source) : { kind: 'number', text: number }
}

export function stringScalar(text: string): YamlScalar {
  return { kind: 'string', text }
}

function findNumber(source: string, formatFloat: FormatFloat): string | undefined {
  if (source.startsWith('.'))
    return POINT_FLOAT.test(source) ? findFloat(source.replaceAll('_', ''), formatFloat) : undefined
  if (!/^[-+0-9]/.test(source)) return undefined
  const plain = source.replaceAll('_', '')
  return findInteger(plain) ?? findFloat(plain, formatFloat)
}

function findInteger(plain: string): string | undefined {
  const match = INTEGER.exec(plain)
  if (match === null) return undefined
  const [, sign, hex, binary, octal, decimal] = match
  const magnitude = BigInt(
    prefixed('0x', hex) ?? prefixed('0b', binary) ?? prefixed('0o', octal) ?? decimal ?? '',
  )
  const value = sign === '-' ? -magnitude : magnitude
  const most = sign === '' ? MOST_UINT64 : MOST_INT64
  return value >= LEAST_INT64 && value <= most ? String(value) : undefined
}

function prefixed(prefix: string, digits: string | undefined): string | undefined {
  return digits === undefined ? undefined : `${prefix}${digits}`
}

/** A number beyond a double's range stays text, as Go's parser reports an error for it. */
function findFloat(plain: string, formatFloat: FormatFloat): string | undefined {
  const value = FLOAT.test(plain) ? Number(plain) : Infinity
  return Number.isFinite(value) ? formatFloat(value) : undefined
}

/** Go's `strconv.FormatFloat(value, 'g', -1, 32)`: exponent form below -4 and, in its shortest form, from 6 on. */
function formatFloat32(value: number): string {
  const rounded = Math.fround(value)
  if (rounded === 0) return Object.is(rounded, -0) ? '-0' : '0'
  if (!Number.isFinite(rounded)) return rounded < 0 ? '-Inf' : '+Inf'
  const short = Math.sign(rounded) * shortestDecimal(Math.abs(rounded))
  const [mantissa = '', exponent = ''] = short.toExponential().split('e')
  if (Number(exponent) >= -4 && Number(exponent) < 6) return String(short)
  return `${mantissa}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`
}

/** The decimal with the fewest digits that names this float32, and the nearest of those; 9 digits always do. */
function shortestDecimal(float32: number): number {
  const [mantissa = '', exponent = ''] = float32.toExponential(100).split('e')
  const digits = mantissa.replace('.', '')
  for (let count = 1; ; count++) {
    const scale = Number(exponent) - count + 1
    const candidates = candidateDigits(digits, count).map((candidate) => Number(`${candidate}e${scale}`))
    const found = candidates.find((candidate) => Math.fround(candidate) === float32)
    if (found !== undefined) return found
  }
}

/** The first digits rounded to nearest, ties to even; then rounded up, where a power of two has more room. */
function candidateDigits(digits: string, count: number): readonly bigint[] {
  const down = BigInt(digits.slice(0, count))
  const rest = digits.slice(count)
  const half = '5'.padEnd(rest.length, '0')
  const isDown = rest < half || (rest === half && down % 2n === 0n)
  return isDown ? [down, down + 1n] : [down + 1n]
}
