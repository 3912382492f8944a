import { readDependencies } from './dependencies.ts'
import { chartInvalid } from './invalid.ts'
import { type ChartMetadata } from './metadata.ts'
import { parseYaml, type YamlFile } from './yaml.ts'
import { fileFields, hasField } from './yaml-fields.ts'

/** Chart.yaml's limit, for the same reason: what it says goes into the index. */
export const REQUIREMENTS_YAML: YamlFile = { name: 'requirements.yaml', maxLength: 256 * 1024 }

/** Every field of the metadata but its dependencies; the type sees to it that none is missing. */
const OTHER_FIELDS: Readonly<Record<keyof Omit<ChartMetadata, 'dependencies'>, true>> = {
  apiVersion: true,
  name: true,
  version: true,
  kubeVersion: true,
  description: true,
  type: true,
  keywords: true,
  home: true,
  sources: true,
  maintainers: true,
  icon: true,
  appVersion: true,
  deprecated: true,
  annotations: true,
  condition: true,
  tags: true,
}

/**
 * The metadata with the dependencies of `requirements.yaml`, where charts of apiVersion v1 have theirs. Helm's loader
 * (`loader.LoadFiles`) reads that file over Chart.yaml whatever the apiVersion: one that says `name: other` makes another
 * chart of it, so everything but dependencies is refused. Throws `chart-invalid`.
 */
export function withRequirements(metadata: ChartMetadata, requirementsYaml: string): ChartMetadata {
  const fields = fileFields(REQUIREMENTS_YAML.name, parseYaml(requirementsYaml, REQUIREMENTS_YAML))
  const stray = Object.keys(OTHER_FIELDS).find((name) => hasField(fields, name))
  if (stray !== undefined) throw chartInvalid(`requirements.yaml: ${stray} would replace that of Chart.yaml`)
  const dependencies = readDependencies(fields)
  if (dependencies === undefined) return metadata
  // Helm would mix the two lists entry by entry.
  if (
    metadata.dependencies !== undefined &&
    JSON.stringify(metadata.dependencies) !== JSON.stringify(dependencies)
  ) {
    throw chartInvalid('requirements.yaml: dependencies differ from those of Chart.yaml')
  }
  return { ...metadata, dependencies }
}
