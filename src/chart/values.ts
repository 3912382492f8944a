import { chartInvalid } from './invalid.ts'
import { isMarginError, parseYamlDocuments, type YamlFile } from './yaml.ts'
import { isYamlMap, type YamlValue } from './yaml-composer.ts'

/** A limit of ours, below Helm's 5 MiB: js-yaml needs up to 180 times a text's size in memory (measured). */
export const VALUES_YAML: YamlFile = { name: 'values.yaml', maxLength: 1024 * 1024 }

/**
 * Helm loads no chart whose `values.yaml` is not a map; since 4.0 it merges several documents, and each has to be one.
 * Where js-yaml is too strict to read them, they are left to Helm. Throws `chart-invalid`.
 */
export function checkValues(valuesYaml: string): void {
  if (!readDocuments(valuesYaml).every(isMapOrEmpty)) {
    throw chartInvalid('values.yaml must be a map: Helm loads no chart otherwise')
  }
}

function readDocuments(valuesYaml: string): readonly YamlValue[] {
  try {
    return parseYamlDocuments(valuesYaml, VALUES_YAML)
  } catch (error) {
    if (isMarginError(error)) return []
    throw error
  }
}

function isMapOrEmpty(value: YamlValue): boolean {
  return isYamlMap(value) || ('kind' in value && value.kind === 'null')
}
