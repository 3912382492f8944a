import { readFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { type Environment } from '../config/env.ts'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

/** What `helm repo add` stored of a repository; the paths as they were typed, relative to the working directory. */
export interface HelmRepository {
  readonly url: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly caFile?: string
}

/** Throws `request-invalid` where Helm knows no such repository. */
export async function readHelmRepository(name: string, environment: Environment): Promise<HelmRepository> {
  const file = repositoriesFile(environment)
  const entries = parseEntries(file, await readRepositories(file))
  const entry = entries.find((candidate) => candidate['name'] === name)
  const url = textOf(entry?.['url'])
  if (entry === undefined || url === undefined) {
    throw new AppError(
      'request-invalid',
      `${quoted(name)} is no URL, and none of Helm's repositories (${file}); "helm repo add" makes it one`,
    )
  }
  const files = ['certFile', 'keyFile', 'caFile'] as const
  const named = files.map((field) => [field, textOf(entry[field])] as const)
  return { url, ...Object.fromEntries(named.filter(([, path]) => path !== undefined)) }
}

/** As Helm finds it (`cli.New`, `helmpath.lazypath`). */
function repositoriesFile(environment: Environment): string {
  const named = environment['HELM_REPOSITORY_CONFIG']
  if (named !== undefined && named !== '') return named
  const helmHome = environment['HELM_CONFIG_HOME']
  if (helmHome !== undefined && helmHome !== '') return join(helmHome, 'repositories.yaml')
  const xdgHome = environment['XDG_CONFIG_HOME']
  const base = xdgHome !== undefined && xdgHome !== '' ? xdgHome : defaultConfigHome(environment)
  return join(base, 'helm', 'repositories.yaml')
}

function defaultConfigHome(environment: Environment): string {
  if (process.platform === 'win32') return environment['APPDATA'] ?? tmpdir()
  const home = environment['HOME'] ?? homedir()
  return process.platform === 'darwin' ? join(home, 'Library', 'Preferences') : join(home, '.config')
}

async function readRepositories(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('request-invalid', `Helm's repositories cannot be read (${file})`, { cause: error })
  })
}

function parseEntries(file: string, text: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const document: unknown = load(text, { schema: CORE_SCHEMA, maxAliases: 0 })
    const list = isMap(document) ? document['repositories'] : undefined
    return Array.isArray(list) ? list.filter(isMap) : []
  } catch (error) {
    throw new AppError('request-invalid', `${file} is not YAML`, { cause: error })
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
