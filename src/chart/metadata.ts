import { quoted } from '../text.ts'
import { type ChartDependency, readDependencies } from './dependencies.ts'
import { chartInvalid } from './invalid.ts'
import { type ChartName, parseChartName } from './name.ts'
import { present } from './present.ts'
import { type ChartVersion, parseChartVersion } from './version.ts'
import { parseYaml, type YamlFile } from './yaml.ts'
import {
  entryFields,
  type Entry,
  type Fields,
  fileFields,
  readEntries,
  readFlag,
  readLine,
  readLines,
  readText,
  readTextMap,
  requireText,
} from './yaml-fields.ts'

export { type ChartDependency }

/**
 * `Chart.yaml` as Helm reads it: the fields of Helm's `chart.Metadata` and no others, every type right, so that it can
 * stand in an index that the strictest old client takes.
 */
export interface ChartMetadata {
  readonly apiVersion: 'v1' | 'v2'
  readonly name: ChartName
  readonly version: ChartVersion
  readonly kubeVersion?: string
  readonly description?: string
  readonly type?: 'application' | 'library'
  readonly keywords?: readonly string[]
  readonly home?: string
  readonly sources?: readonly string[]
  readonly dependencies?: readonly ChartDependency[]
  readonly maintainers?: readonly ChartMaintainer[]
  readonly icon?: string
  readonly appVersion?: string
  readonly deprecated?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  readonly condition?: string
  readonly tags?: string
}

export interface ChartMaintainer {
  readonly name?: string
  readonly email?: string
  readonly url?: string
}

/** A limit of ours: every version's metadata stands in the index, which each client downloads whole. */
export const CHART_YAML: YamlFile = { name: 'Chart.yaml', maxLength: 256 * 1024 }

/** Helm before 3.13 reads the index as YAML, where a key may span 1,024 characters: one longer loses every chart. */
const LONGEST_ANNOTATION_KEY = 1000

/** Throws `chart-invalid`. */
export function parseChartMetadata(chartYaml: string): ChartMetadata {
  return readChartMetadata(fileFields(CHART_YAML.name, parseYaml(chartYaml, CHART_YAML)))
}

/** The same of fields that stand elsewhere, such as in another repository's index. Throws `chart-invalid`. */
export function readChartMetadata(fields: Fields): ChartMetadata {
  return present({
    apiVersion: readApiVersion(fields),
    name: parseChartName(requireText(fields, 'name')),
    version: parseChartVersion(requireText(fields, 'version')),
    kubeVersion: readLine(fields, 'kubeVersion'),
    description: readLine(fields, 'description'),
    type: readType(fields),
    keywords: readLines(fields, 'keywords'),
    home: readLine(fields, 'home'),
    sources: readLines(fields, 'sources'),
    dependencies: readDependencies(fields),
    maintainers: readEntries(fields, 'maintainers')?.map(readMaintainer),
    icon: readLine(fields, 'icon'),
    appVersion: readLine(fields, 'appVersion'),
    deprecated: readFlag(fields, 'deprecated'),
    annotations: readAnnotations(fields),
    condition: readLine(fields, 'condition'),
    tags: readLine(fields, 'tags'),
  })
}

/** Helm's loader takes an absent one for v1; charts of any other are not for `helm install`. */
function readApiVersion(fields: Fields): 'v1' | 'v2' {
  const apiVersion = readText(fields, 'apiVersion') ?? 'v1'
  if (apiVersion === 'v1' || apiVersion === 'v2') return apiVersion
  throw chartInvalid(`Chart.yaml: apiVersion is ${quoted(apiVersion)}, and must be v1 or v2`)
}

function readType(fields: Fields): 'application' | 'library' | undefined {
  const type = readText(fields, 'type')
  if (type === undefined || type === 'application' || type === 'library') return type
  throw chartInvalid(`Chart.yaml: type is ${quoted(type)}, and must be application or library`)
}

function readMaintainer(entry: Entry): ChartMaintainer {
  const fields = entryFields(entry)
  return present({
    name: readLine(fields, 'name'),
    email: readLine(fields, 'email'),
    url: readLine(fields, 'url'),
  })
}

function readAnnotations(fields: Fields): Readonly<Record<string, string>> | undefined {
  const annotations = readTextMap(fields, 'annotations')
  const tooLong = Object.keys(annotations ?? {}).find(
    (key) => JSON.stringify(key).length > LONGEST_ANNOTATION_KEY,
  )
  if (tooLong === undefined) return annotations
  throw chartInvalid(
    `Chart.yaml: annotations has the key ${quoted(tooLong)}, which is too long for older clients`,
  )
}
