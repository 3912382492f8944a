import { type Digest, parseDigest } from '../chart/digest.ts'
import { parseYaml, type YamlFile } from '../chart/yaml.ts'
import {
  fileFields,
  readEntries,
  readFlag,
  readText,
  readTextMap,
  requireText,
  type Fields,
} from '../chart/yaml-fields.ts'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

export interface Sections {
  /** Of the chart, as the metadata section says; nothing else has been compared with them. */
  readonly name: string
  readonly version: string
  /** By file name. */
  readonly files: ReadonlyMap<string, Digest>
}

/** Helm 3 decodes the metadata into its `chart.Metadata`, and a wrong type fails the verification. */
const TEXTS = 'apiVersion kubeVersion description type home icon appVersion condition tags'.split(' ')
const LISTS = 'keywords sources dependencies maintainers'.split(' ')

export interface SectionTexts {
  readonly metadata: string
  readonly files: string
  /** In characters, with aliases written out. */
  readonly maxLength: number
}

/** What a provenance file's two YAML sections say, as Helm reads them. Throws `provenance-invalid`. */
export function readSections({ metadata, files, maxLength }: SectionTexts): Sections {
  try {
    const identity = readIdentity(readFields(metadata, { name: 'its metadata section', maxLength }))
    return { ...identity, files: readFiles(readFields(files, { name: 'its files section', maxLength })) }
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    throw new AppError('provenance-invalid', `the provenance file is not valid: ${cause.message}`, { cause })
  }
}

function readFields(yaml: string, section: YamlFile): Fields {
  return fileFields(section.name, parseYaml(yaml, section))
}

function readIdentity(fields: Fields): { readonly name: string; readonly version: string } {
  for (const field of TEXTS) readText(fields, field)
  for (const field of LISTS) readEntries(fields, field)
  readFlag(fields, 'deprecated')
  readTextMap(fields, 'annotations')
  return { name: requireText(fields, 'name'), version: requireText(fields, 'version') }
}

function readFiles(fields: Fields): ReadonlyMap<string, Digest> {
  const sums = Object.entries(readTextMap(fields, 'files') ?? {})
  if (sums.length === 0) throw new AppError('provenance-invalid', 'it lists no files')
  return new Map(sums.map(([name, sum]) => [name, readSum(sum, name)]))
}

function readSum(sum: string, name: string): Digest {
  const [algorithm, hex = ''] = sum.split(':', 2)
  if (algorithm === 'sha256' && sum === `sha256:${hex}`) return parseDigest(hex)
  throw new AppError('provenance-invalid', `the sum of ${quoted(name)} does not begin with sha256:`)
}
