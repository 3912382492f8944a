import { resolve } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { settingsFrom, settingsOf, variableOf, type Environment, type Setting } from './env.ts'
import { nearest } from './nearest.ts'
import { type Problem } from './problem.ts'
import { configSchema } from './schema.ts'

/** What a command line may say about settings. */
export interface ConfigFlags {
  readonly config?: string
  readonly storage?: string
  readonly certs?: string
  readonly listen?: string
  readonly ops?: string
  readonly url?: string
  readonly contextPath?: string
}

type Settings = Record<string, unknown>

/** Settings that are paths: outside of the file they are relative to the working directory. */
const PATHS = new Set([
  'storage',
  'certs',
  'tls.certificate',
  'tls.key',
  'ca.passphraseFile',
  'signing.key',
  'signing.passphraseFile',
  'signing.keyring',
  'provenance.trustedKeyring',
])

/** One tree of raw settings: the file's, overridden by the environment's, overridden by the command line's. */
export function mergeSources(
  file: Readonly<Settings>,
  flags: ConfigFlags,
  environment: Environment,
): { readonly settings: Settings; readonly problems: readonly Problem[] } {
  const settings: Settings = structuredClone(file)
  const problems: Problem[] = []
  const fromEnvironment = settingsFrom(environment, configSchema)
  for (const { variable, setting, text } of fromEnvironment.settings) {
    const value = parseText(setting, text)
    if (value === undefined) problems.push({ path: variable, message: `expected a ${setting.kind} in YAML` })
    else assign(settings, setting.path, value)
  }
  for (const variable of fromEnvironment.unknown)
    problems.push({ path: variable, message: unknownVariable(variable) })
  for (const name of ['storage', 'certs', 'listen', 'ops', 'url', 'contextPath'] as const) {
    const text = flags[name]
    if (text !== undefined) assign(settings, [name], anchored([name], text))
  }
  return { settings, problems }
}

function parseText({ path, kind }: Setting, text: string): unknown {
  if (kind === 'scalar') return anchored(path, text)
  try {
    const value = load(text, { schema: CORE_SCHEMA, maxAliases: 0 })
    if (typeof value !== 'object' || value === null) return undefined
    return Array.isArray(value) === (kind === 'list') ? value : undefined
  } catch {
    // Reported by the caller, who knows the variable's name; the value itself may be a secret.
    return undefined
  }
}

function anchored(path: readonly string[], text: string): string {
  return PATHS.has(path.join('.')) && text !== '' ? resolve(text) : text
}

function assign(settings: Settings, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    settings[name] = value
    return
  }
  const inner = settings[name]
  const map: Settings = typeof inner === 'object' && inner !== null ? { ...inner } : {}
  assign(map, rest, value)
  settings[name] = map
}

function unknownVariable(variable: string): string {
  const known = settingsOf(configSchema).map(({ path }) => variableOf(path))
  return `no such setting${nearest(variable, known)}`
}
