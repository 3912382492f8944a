/** As much of JSON Schema (draft 7) as the schema of `chartroom.yaml` uses; another keyword is an error. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The paths at which the value breaks the schema. */
export function violations(schema: JsonSchema, value: unknown, path = ''): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, argument]) => {
    const check = CHECKS[keyword]
    if (check === undefined) throw new Error(`the test does not know the keyword ${keyword}`)
    return check(argument, value, path, schema)
  })
}

type Check = (argument: unknown, value: unknown, path: string, schema: JsonSchema) => readonly string[]

const NOTHING: Check = () => []

const CHECKS: Readonly<Record<string, Check>> = {
  $schema: NOTHING,
  title: NOTHING,
  default: NOTHING,
  format: NOTHING,
  propertyNames: NOTHING,
  type: (type, value, path) => (isOfType(value, String(type)) ? [] : [path]),
  const: (constant, value, path) => (value === constant ? [] : [path]),
  enum: (words, value, path) => ((words as readonly unknown[]).includes(value) ? [] : [path]),
  minLength: (least, value, path) =>
    typeof value !== 'string' || value.length >= Number(least) ? [] : [path],
  pattern: (pattern, value, path) =>
    typeof value !== 'string' || new RegExp(String(pattern)).test(value) ? [] : [path],
  minimum: (least, value, path) => (typeof value !== 'number' || value >= Number(least) ? [] : [path]),
  maximum: (most, value, path) => (typeof value !== 'number' || value <= Number(most) ? [] : [path]),
  minItems: (least, value, path) => (!Array.isArray(value) || value.length >= Number(least) ? [] : [path]),
  anyOf: (schemas, value, path) =>
    (schemas as readonly JsonSchema[]).some((schema) => violations(schema, value, path).length === 0)
      ? []
      : [path],
  items: (schema, value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, place) => violations(schema as JsonSchema, item, `${path}.${place}`))
      : [],
  required: (names, value, path) =>
    (names as readonly string[]).filter((name) => !(name in record(value))).map((name) => `${path}.${name}`),
  properties: (properties, value, path) =>
    Object.entries(properties as Readonly<Record<string, JsonSchema>>).flatMap(([name, schema]) =>
      name in record(value) ? violations(schema, record(value)[name], `${path}.${name}`) : [],
    ),
  additionalProperties: (others, value, path, { properties }) =>
    Object.entries(record(value))
      .filter(([name]) => !(name in record(properties)))
      .flatMap(([name, inner]) =>
        others === false ? [`${path}.${name}`] : violations(others as JsonSchema, inner, `${path}.${name}`),
      ),
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
