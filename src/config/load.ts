import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { AppError, isSystemError } from '../errors.ts'
import { readRules } from '../policy/policy-file.ts'
import { type Rule } from '../policy/rule.ts'
import { configFileFrom, type Environment } from './env.ts'
import { completeMirror, type MirrorConfig } from './mirror.ts'
import { nearest } from './nearest.ts'
import { type Problem } from './problem.ts'
import { contradictions, describeIssue } from './problems.ts'
import { configSchema, type ConfigFile } from './schema.ts'
import { completeOwnSigning, completeSigning, type SigningConfig } from './signing.ts'
import { mergeSources, type ConfigFlags } from './sources.ts'

/** The settings in force: the file, overridden by the environment, overridden by the command line; paths absolute. */
export interface Config extends Omit<ConfigFile, 'tls' | 'signing' | 'repositories' | 'url'> {
  /** The file that was read; `undefined` when there is none. */
  readonly file: string | undefined
  readonly url: string
  readonly tls: {
    readonly certificate: string
    readonly key: string
    readonly clientCAs: readonly ClientCa[]
  }
  readonly signing: SigningConfig & { readonly keyring: string }
  readonly repositories: readonly RepositoryEntry[]
  /** What `access` and `groups` mean, in the order of `access`. */
  readonly rules: readonly Rule[]
}

/** One of `repositories`. */
export type RepositoryEntry = Omit<ConfigFile['repositories'][number], 'signing' | 'mirror'> & {
  readonly signing?: SigningConfig
  readonly mirror?: MirrorConfig
}

/** A trust anchor's file, and that of its CRLs. */
export interface ClientCa {
  readonly name: string
  readonly file: string
  readonly crl?: string
  readonly staleCrl: 'refuse' | 'accept'
}

const DEFAULT_CONFIG_FILE = 'chartroom.yaml'
/** The name of the trust anchor that `chartroom init` makes. */
const BUILT_IN_ANCHOR = 'built-in'

/** Throws `config-invalid` with every problem at once, a line each, behind its path. */
export async function loadConfig(flags: ConfigFlags, environment: Environment): Promise<Config> {
  const file = await readConfigFile(flags, environment)
  const { settings, problems } = mergeSources(file?.settings ?? {}, flags, environment)
  const parsed = configSchema.safeParse(settings)
  if (!parsed.success) throw invalid(file?.path, [...problems, ...parsed.error.issues.flatMap(describeIssue)])
  const config = complete(parsed.data, file?.path)
  const anchors = config.tls.clientCAs.map(({ name }) => name)
  const policy = readRules(parsed.data, { anchors, suggest: nearest })
  const all = [...problems, ...policy.problems, ...contradictions(parsed.data)]
  if (all.length > 0) throw invalid(file?.path, all)
  return { ...config, rules: policy.rules }
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
    settings = text.split('\n').every(isComment) ? {} : load(text, { schema: CORE_SCHEMA, maxAliases: 100 })
  } catch (error) {
    throw invalid(path, [{ path: 'line', message: error instanceof Error ? error.message : String(error) }])
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw invalid(path, [{ path: 'file', message: 'expected a map of settings' }])
  }
  return { ...settings }
}

function isComment(line: string): boolean {
  return /^\s*(#.*)?$/.test(line)
}

/** Fills in what depends on other settings. */
function complete(settings: ConfigFile, file: string | undefined): Omit<Config, 'rules'> {
  const base = file === undefined ? process.cwd() : dirname(file)
  const at = (path: string): string => resolve(base, path)
  const certs = at(settings.certs)
  const { tls, ca, signing, provenance } = settings
  return {
    ...settings,
    file,
    storage: at(settings.storage),
    certs,
    url: clientUrl(settings),
    tls: {
      certificate: at(tls.certificate ?? join(certs, 'server.crt')),
      key: at(tls.key ?? join(certs, 'server.key')),
      clientCAs: (tls.clientCAs ?? [builtInCa(certs)]).map(({ name, file: path, crl, staleCrl }) => ({
        name,
        file: at(path),
        staleCrl,
        ...(crl !== undefined && { crl: at(crl) }),
      })),
    },
    ca: {
      ...ca,
      ...(ca.passphraseFile !== undefined && { passphraseFile: at(ca.passphraseFile) }),
    },
    signing: completeSigning(signing, at, {
      key: join(certs, 'provenance.key.asc'),
      keyring: join(certs, 'provenance.gpg'),
    }),
    provenance: {
      ...provenance,
      ...(provenance.trustedKeyring !== undefined && { trustedKeyring: at(provenance.trustedKeyring) }),
    },
    repositories: settings.repositories.map((repository) =>
      completeRepository(repository, at, settings.uploads.maxBytes),
    ),
    webhooks: settings.webhooks.map(({ secretFile, ca: authorities, ...webhook }) => ({
      ...webhook,
      ...(secretFile !== undefined && { secretFile: at(secretFile) }),
      ...(authorities !== undefined && { ca: at(authorities) }),
    })),
  }
}

/** Ends with the context path, whether `url` says so or not. */
function clientUrl({ url, contextPath, listen }: ConfigFile): string {
  const { origin } = new URL(url ?? `https://localhost:${listen.port}`)
  return `${origin}${contextPath}`
}

function completeRepository(
  { signing, provenance, mirror, ...repository }: ConfigFile['repositories'][number],
  at: (path: string) => string,
  maxArchiveBytes: number,
): RepositoryEntry {
  const own = completeOwnSigning(signing, at)
  return {
    ...repository,
    ...(own && { signing: own }),
    ...(mirror && { mirror: completeMirror(mirror, at, maxArchiveBytes) }),
    ...(provenance && {
      provenance: {
        ...provenance,
        ...(provenance.trustedKeyring !== undefined && { trustedKeyring: at(provenance.trustedKeyring) }),
      },
    }),
  }
}

function builtInCa(certs: string): ClientCa {
  return { name: BUILT_IN_ANCHOR, file: join(certs, 'ca.crt'), staleCrl: 'refuse' }
}

function invalid(file: string | undefined, problems: readonly Problem[]): AppError {
  const where = file ?? 'the environment or the command line'
  const lines = problems.map(({ path, message }) => `  ${path}: ${message}`)
  return new AppError('config-invalid', [`the configuration is not valid (${where}):`, ...lines].join('\n'))
}
