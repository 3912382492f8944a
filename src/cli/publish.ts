import { STATUS_CODES } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { AppError } from '../errors.ts'
import { type ClientTlsFiles, readClientTls } from '../publishing/client-tls.ts'
import { readHelmRepository } from '../publishing/helm-repositories.ts'
import { createAgent } from '../publishing/http-client.ts'
import { openChart, type PackageOptions } from '../publishing/package-chart.ts'
import { RepositoryClient, type UploadOutcome } from '../publishing/repository-client.ts'
import { parseRepositoryUrl } from '../publishing/repository-url.ts'
import { type CliContext } from './context.ts'
import { EXIT } from './exit.ts'
import { parseDuration } from './options.ts'
import { createProgress, type UploadProgress } from './upload-progress.ts'

/** What publishing needs of the world besides. */
export interface PublishContext extends CliContext {
  readonly version: string
  /** Text on standard error. */
  readonly complain: (text: string) => void
  /** Of the terminal that standard error is, if it is one. */
  readonly columns?: number | undefined
}

interface PublishFlags extends ClientTlsFiles {
  readonly repo: string
  readonly contextPath?: string
  readonly version?: string
  readonly appVersion?: string
  /** False for `--no-prov`. */
  readonly prov?: string | false
  readonly force?: true
  readonly quiet?: true
  readonly timeout: number
  readonly retries: number
}

const TIMEOUT = '120s'
const RETRIES = 5

export function addPublish(
  program: Command,
  context: PublishContext,
  exitWith: (code: number) => void,
): void {
  program
    .command('publish <path...>')
    .description(
      'publish packaged charts and chart directories to a Chartroom or ChartMuseum; exit status 1 if any fails',
    )
    .requiredOption('--repo <url|name>', 'URL of the repository, or what "helm repo add" named it')
    .option('--cert-file <file>', 'client certificate (default: that of "helm repo add")')
    .option('--key-file <file>', 'its key')
    .option('--ca-file <file>', "the CA of the server's certificate (default: those of the system)")
    .option('--context-path <path>', "the server's context path (default: the server is asked)")
    .option('--version <version>', "for a chart directory: instead of its Chart.yaml's")
    .option('--app-version <version>', "for a chart directory: instead of its Chart.yaml's")
    .option('--prov <file>', 'provenance file (default: the .prov beside the packaged chart)')
    .option('--no-prov', 'send no provenance file')
    .option('--force', 'replace other content, where the repository and your grants allow it')
    .option('--quiet', 'say nothing but what goes wrong')
    .addOption(
      new Option('--timeout <duration>', 'for one attempt')
        .argParser(parseDuration)
        .default(parseDuration(TIMEOUT), TIMEOUT),
    )
    .addOption(
      new Option('--retries <n>', 'after a broken connection or a busy server')
        .argParser(parseRetries)
        .default(RETRIES),
    )
    .action(async (paths: readonly string[], flags: PublishFlags) => {
      exitWith(await publish(context, paths, flags))
    })
}

async function publish(
  context: PublishContext,
  paths: readonly string[],
  flags: PublishFlags,
): Promise<number> {
  if (typeof flags.prov === 'string' && paths.length > 1) {
    throw new AppError('request-invalid', '--prov is for one chart; each finds the .prov beside it by itself')
  }
  const mode = flags.quiet === true ? 'quiet' : 'shown'
  const progress = createProgress(mode, { write: context.complain, columns: context.columns })
  const target = await findTarget(context, flags)
  const agent = createAgent(await readClientTls(target.files, context.now()), context.environment)
  const client = createClient(context, flags, { ...target, agent, progress })
  try {
    let failed = 0
    for (const path of paths) {
      const published = await publishOne(context, { path, flags, client, progress })
      if (!published) failed += 1
    }
    return failed === 0 ? EXIT.ok : EXIT.failed
  } finally {
    agent.destroy()
  }
}

interface Target {
  readonly repository: URL
  readonly files: ClientTlsFiles
}

async function findTarget(
  { environment }: PublishContext,
  { repo, certFile, keyFile, caFile }: PublishFlags,
): Promise<Target> {
  const known = repo.includes('://') ? { url: repo } : await readHelmRepository(repo, environment)
  const { url, ...files } = known
  const given = { ...(certFile && { certFile }), ...(keyFile && { keyFile }), ...(caFile && { caFile }) }
  return { repository: parseRepositoryUrl(url), files: { ...files, ...given } }
}

function createClient(
  { version, now, terminated }: PublishContext,
  { contextPath, force, timeout, retries }: PublishFlags,
  {
    repository,
    agent,
    progress,
  }: Target & {
    readonly agent: ReturnType<typeof createAgent>
    readonly progress: UploadProgress
  },
): RepositoryClient {
  return new RepositoryClient({
    repository,
    agent,
    now,
    terminated,
    userAgent: `chartroom/${version}`,
    force: force === true ? 'forced' : 'unforced',
    timeoutMs: timeout,
    ...(contextPath !== undefined && { contextPath }),
    retry: {
      retries,
      random: Math.random,
      wait: async (delayMs) => pause(delayMs, terminated),
      onRetry: ({ count, delayMs, why }) => {
        progress.note(`${why}; attempt ${count + 1} of ${retries + 1} in ${(delayMs / 1000).toFixed(1)} s`)
      },
    },
  })
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(delayMs, undefined, { signal }).catch((error: unknown) => {
    throw new AppError('request-aborted', 'interrupted', { cause: error })
  })
}

interface Publishing {
  readonly path: string
  readonly flags: PublishFlags
  readonly client: RepositoryClient
  readonly progress: UploadProgress
}

/** Whether it is in the repository now; if not, why has been said. */
async function publishOne(context: PublishContext, publishing: Publishing): Promise<boolean> {
  const { path, flags, client, progress } = publishing
  try {
    const chart = await openChart(path, packageOptions(flags))
    const outcome = await client.upload(chart, {
      onAttempt: (totalBytes) => {
        progress.begin(chart.filename, totalBytes)
      },
      onBytes: progress.advance.bind(progress),
    })
    progress.end()
    if (outcome.kind === 'refused') {
      context.complain(`chartroom: ${path}: ${describeRefusal(outcome)}\n`)
      return false
    }
    if (flags.quiet !== true) {
      const { name, version } = chart.metadata
      context.print(`${outcome.outcome} ${name} ${version} sha256:${outcome.digest}`)
    }
    return true
  } catch (error) {
    progress.end()
    if (!(error instanceof AppError) || context.terminated.aborted) throw error
    context.complain(`chartroom: ${path}: ${error.message}\n`)
    return false
  }
}

function describeRefusal({ status, words }: Extract<UploadOutcome, { kind: 'refused' }>): string {
  const standard = STATUS_CODES[status] ?? ''
  // The reason phrase, where there is no better, begins with the standard one.
  return words.startsWith(standard) ? `${status} ${words}` : `${status} ${standard}: ${words}`
}

function packageOptions({ version, appVersion, prov }: PublishFlags): PackageOptions {
  return {
    ...(version !== undefined && { version }),
    ...(appVersion !== undefined && { appVersion }),
    provenance: provenanceOf(prov),
  }
}

function provenanceOf(prov: PublishFlags['prov']): PackageOptions['provenance'] {
  if (prov === undefined) return 'beside'
  return prov === false ? 'none' : { file: prov }
}

function parseRetries(text: string): number {
  const retries = Number(text)
  if (/^\d+$/.test(text) && retries <= 100) return retries
  throw new InvalidArgumentError('expected a whole number, at most 100')
}
