import { type z } from 'zod'

/** The only reader of the environment: `CHARTROOM_…` variables, as the settings they stand for. */

const PREFIX = 'CHARTROOM_'
/** Where `serve` and the other commands find their file. */
const CONFIG_VARIABLE = 'CHARTROOM_CONFIG'

/** What Kubernetes sets in every pod beside a Service that is called `chartroom` (or `chartroom-something`). */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

export type Environment = Readonly<Record<string, string | undefined>>

export function processEnvironment(): Environment {
  return process.env
}

export function configFileFrom(environment: Environment): string | undefined {
  return environment[CONFIG_VARIABLE]
}

export interface EnvironmentSetting {
  readonly variable: string
  readonly setting: Setting
  readonly text: string
}

/** A place in the schema where a value stands: nested objects are opened, lists are one value. */
export interface Setting {
  readonly path: readonly string[]
  readonly kind: 'list' | 'map' | 'scalar'
}

/** Which settings the environment makes, and the variables that look like settings and are none. */
export function settingsFrom(
  environment: Environment,
  schema: z.ZodType,
): { readonly settings: readonly EnvironmentSetting[]; readonly unknown: readonly string[] } {
  const known = new Map(settingsOf(schema).map((setting) => [variableOf(setting.path), setting]))
  const settings: EnvironmentSetting[] = []
  const unknown: string[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || variable === CONFIG_VARIABLE || text === undefined) continue
    const setting = known.get(variable)
    if (setting !== undefined) settings.push({ variable, setting, text })
    else if (!SERVICE_LINK.test(variable)) unknown.push(variable)
  }
  return { settings, unknown }
}

/** `tls.clientCAs` → `CHARTROOM_TLS_CLIENT_CAS`. */
export function variableOf(path: readonly string[]): string {
  const words = path.map((part) => part.replace(/([a-z])([A-Z])/g, '$1_$2'))
  return `${PREFIX}${words.join('_').toUpperCase()}`
}

/** Every setting of the schema. */
export function settingsOf(schema: unknown, path: readonly string[] = []): readonly Setting[] {
  const { type, shape, innerType, in: input } = (schema as { readonly def: SchemaDefinition }).def
  if (shape !== undefined) {
    return Object.entries(shape).flatMap(([name, field]) => settingsOf(field, [...path, name]))
  }
  const inner = innerType ?? (type === 'pipe' ? input : undefined)
  if (inner !== undefined) return settingsOf(inner, path)
  return [{ path, kind: KINDS[type] ?? 'scalar' }]
}

const KINDS: Readonly<Record<string, Setting['kind']>> = { array: 'list', record: 'map' }

/** What zod says of a schema's structure (zod.dev, "Zod Core", `def`), as far as it is asked for here. */
interface SchemaDefinition {
  readonly type: string
  readonly shape?: Readonly<Record<string, unknown>>
  readonly innerType?: unknown
  readonly in?: unknown
}
