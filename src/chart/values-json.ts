import { VALUES_YAML } from './values.ts'
import { parseYamlDocuments } from './yaml.ts'
import { isYamlList, isYamlMap, type YamlValue } from './yaml-composer.ts'
import { resolveJsonScalar, type YamlScalar } from './yaml-scalar.ts'

/**
 * The values of a `values.yaml` as JSON, as Helm 3 has them: of several documents the first. Text and not objects, since
 * JavaScript's numbers do not hold Go's. Throws `chart-invalid` where js-yaml cannot read it (`checkValues`).
 */
export function renderValuesJson(valuesYaml: string): string {
  const [values] = parseYamlDocuments(valuesYaml, VALUES_YAML, resolveJsonScalar)
  return values === undefined ? '{}' : render(values)
}

function render(value: YamlValue): string {
  if (isYamlList(value)) return `[${value.map(render).join(',')}]`
  if (!isYamlMap(value)) return renderScalar(value)
  return `{${Array.from(value, ([key, inner]) => `${JSON.stringify(key)}:${render(inner)}`).join(',')}}`
}

function renderScalar({ kind, text }: YamlScalar): string {
  if (kind === 'null') return 'null'
  // NaN and infinities have no JSON.
  const isBare = kind === 'boolean' || (kind === 'number' && Number.isFinite(Number(text)))
  return isBare ? text : JSON.stringify(text)
}
