import { chartInvalid } from '../chart/invalid.ts'
import { CHART_YAML } from '../chart/metadata.ts'
import { type ChartFile } from '../chart/write-archive.ts'
import { parseYaml } from '../chart/yaml.ts'
import { fileFields, readText } from '../chart/yaml-fields.ts'
import { quoted } from '../text.ts'

const FOLDER = 'charts/'

/** What is in `charts/` under one name: a directory, or a packaged chart. */
interface Subchart {
  readonly name: string
  /** By their paths below `charts/`. */
  readonly files: readonly ChartFile[]
}

/**
 * The files without what Helm's loader passes over in `charts/` (`LoadFiles`: names that begin with `_` or `.`). Throws
 * `chart-invalid` for what it would refuse there: the archive could be published, and never installed.
 */
export function asHelmLoads(files: readonly ChartFile[]): readonly ChartFile[] {
  const own = files.filter(({ path }) => !path.startsWith(FOLDER) || path.endsWith('.prov'))
  const loaded = subchartsOf(files).flatMap(loadSubchart)
  return [...own, ...loaded.map(({ path, content }) => ({ path: `${FOLDER}${path}`, content }))]
}

/** Those of the names that no subchart has, as Helm's `CheckDependencies` looks for them. */
export function findMissing(names: readonly string[], files: readonly ChartFile[]): readonly string[] {
  const subcharts = subchartsOf(files)
  return names.filter((name) => !subcharts.some((subchart) => isNamed(subchart, name)))
}

function subchartsOf(files: readonly ChartFile[]): readonly Subchart[] {
  const groups = new Map<string, ChartFile[]>()
  for (const { path, content } of files) {
    if (!path.startsWith(FOLDER) || path.endsWith('.prov')) continue
    const inFolder = path.slice(FOLDER.length)
    const [name = ''] = inFolder.split('/')
    const members = groups.get(name) ?? []
    members.push({ path: inFolder, content })
    groups.set(name, members)
  }
  return Array.from(groups, ([name, members]) => ({ name, files: members }))
}

function loadSubchart({ name, files }: Subchart): readonly ChartFile[] {
  if (/^[_.]/.test(name)) return []
  const isFile = files.some(({ path }) => path === name)
  if (isFile && name.endsWith('.tgz')) return files
  if (isFile || !files.some(({ path }) => path === `${name}/${CHART_YAML.name}`)) {
    throw chartInvalid(
      `${quoted(`${FOLDER}${name}`)} is no chart, and Helm takes nothing else there; name it in .helmignore`,
    )
  }
  const below = files.map(({ path, content }) => ({ path: path.slice(name.length + 1), content }))
  return asHelmLoads(below).map(({ path, content }) => ({ path: `${name}/${path}`, content }))
}

/** A packaged one by its file name: its content is the server's to judge. */
function isNamed({ name: entry, files }: Subchart, name: string): boolean {
  if (entry.endsWith('.tgz')) return entry.startsWith(`${name}-`)
  const chartYaml = files.find(({ path }) => path === `${entry}/${CHART_YAML.name}`)
  if (chartYaml === undefined) return false
  const fields = fileFields(CHART_YAML.name, parseYaml(chartYaml.content.toString('utf8'), CHART_YAML))
  return readText(fields, 'name') === name
}
