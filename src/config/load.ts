import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { AppError, isSystemError } from '../errors.ts'
import { readGrants } from '../policy/policy-file.ts'
import { type Grant } from '../policy/policy.ts'
import { configFileFrom, type Environment } from './env.ts'
import { contradictions, describeIssue, type Problem } from './problems.ts'
import { configSchema, type ConfigFile } from './schema.ts'
import { mergeSources, type ConfigFlags } from './sources.ts'

/** The settings in force: the file, overridden by the environment, overridden by the command line; paths absolute. */
export interface Config extends Omit<ConfigFile, 'tls' | 'signing' | 'url'> {
  /** The file that was read; `undefined` when there is none. */
  readonly file: string | undefined
  readonly url: string
  readonly tls: {
    readonly certificate: string
    readonly key: string
    readonly clientCAs: readonly NamedFile[]
  }
  readonly signing: ConfigFile['signing'] & { readonly key: string; readonly keyring: string }
  readonly grants: readonly Grant[]
}

export interface NamedFile {
  readonly name: string
  readonly file: string
}

export const DEFAULT_CONFIG_FILE = 'chartroom.yaml'
/** The name of the trust anchor that `chartroom init` makes. */
export const BUILT_IN_ANCHOR = 'built-in'

/** Throws `config-invalid` with every problem at once, a line each, behind its path. */
export async function loadConfig(flags: ConfigFlags, environment: Environment): Promise<Config> {
  const file = await readConfigFile(flags, environment)
  const { settings, problems } = mergeSources(file?.settings ?? {}, flags, environment)
  const parsed = configSchema.safeParse(settings)
  if (!parsed.success) throw invalid(file?.path, [...problems, ...parsed.error.issues.flatMap(describeIssue)])
  const config = complete(parsed.data, file?.path)
  const anchors = config.tls.clientCAs.map(({ name }) => name)
  const policy = readGrants(parsed.data.access, anchors)
  const all = [...problems, ...policy.problems, ...contradictions(parsed.data)]
  if (all.length > 0) throw invalid(file?.path, all)
  return { ...config, grants: policy.grants }
}

/** Where the configuration is, whether or not it exists. */
export function configFilePath(flags: ConfigFlags, environment: Environment): string {
  return resolve(flags.config ?? configFileFrom(environment) ?? DEFAULT_CONFIG_FILE)
}

interface ReadFile {
  readonly path: string
  readonly settings: Readonly<Record<string, unknown>>
}

/** A file that was asked for must be there; the default one need not. */
async function readConfigFile(flags: ConfigFlags, environment: Environment): Promise<ReadFile | undefined> {
  const path = configFilePath(flags, environment)
  const isAskedFor = (flags.config ?? configFileFrom(environment)) !== undefined
  try {
    return { path, settings: parseSettings(path, await readFile(path, 'utf8')) }
  } catch (error) {
    if (isSystemError(error, 'ENOENT') && !isAskedFor) return undefined
    if (error instanceof AppError) throw error
    throw new AppError('config-invalid', `${path}: cannot be read: ${String(error)}`, { cause: error })
  }
}

function parseSettings(path: string, text: string): Readonly<Record<string, unknown>> {
  let settings: unknown
  try {
    // js-yaml refuses an empty document; a file of comments only is one.
    settings = /^(\s*(#.*)?\n?)*$/.test(text) ? {} : load(text, { schema: CORE_SCHEMA, maxAliases: 100 })
  } catch (error) {
    throw invalid(path, [{ path: 'line', message: error instanceof Error ? error.message : String(error) }])
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw invalid(path, [{ path: 'file', message: 'expected a map of settings' }])
  }
  return { ...settings }
}

/** Fills in what depends on other settings. */
function complete(settings: ConfigFile, file: string | undefined): Omit<Config, 'grants'> {
  const base = file === undefined ? process.cwd() : dirname(file)
  const at = (path: string): string => resolve(base, path)
  const certs = at(settings.certs)
  const { tls, signing, provenance, url } = settings
  return {
    ...settings,
    file,
    storage: at(settings.storage),
    certs,
    url: url?.replace(/\/+$/, '') ?? `https://localhost:${settings.listen.port}`,
    tls: {
      certificate: at(tls.certificate ?? join(certs, 'server.crt')),
      key: at(tls.key ?? join(certs, 'server.key')),
      clientCAs: (tls.clientCAs ?? [{ name: BUILT_IN_ANCHOR, file: join(certs, 'ca.crt') }]).map(
        ({ name, file: path }) => ({ name, file: at(path) }),
      ),
    },
    signing: {
      ...signing,
      ...(signing.passphraseFile !== undefined && { passphraseFile: at(signing.passphraseFile) }),
      key: at(signing.key ?? join(certs, 'provenance.key.asc')),
      keyring: at(signing.keyring ?? join(certs, 'provenance.gpg')),
    },
    provenance: {
      ...provenance,
      ...(provenance.trustedKeyring !== undefined && { trustedKeyring: at(provenance.trustedKeyring) }),
    },
  }
}

function invalid(file: string | undefined, problems: readonly Problem[]): AppError {
  const where = file ?? 'the environment or the command line'
  const lines = problems.map(({ path, message }) => `  ${path}: ${message}`)
  return new AppError('config-invalid', [`the configuration is not valid (${where}):`, ...lines].join('\n'))
}
