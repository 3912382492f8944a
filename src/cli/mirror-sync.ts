import { type Command } from 'commander'
import { describeRepository } from '../chart/repository-name.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { previewMirror } from '../mirror/preview.ts'
import { syncMirror, type SyncProgress } from '../mirror/sync.ts'
import { type SyncReport } from '../mirror/sync-report.ts'
import { configuredMirrors, requireMirror, type ConfiguredMirror } from './configured-mirrors.ts'
import { cliActor } from './context.ts'
import { EXIT } from './exit.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { describeRehearsal, describeReport, isAsAsked } from './mirror-report.ts'
import { withConfigOptions, withFormat, type Format } from './options.ts'
import { type PublishContext } from './publish.ts'
import { createTransferProgress, type TransferProgress } from './transfer-progress.ts'
import { withMirrors } from './with-mirrors.ts'

interface SyncFlags extends ConfigFlags {
  readonly dryRun?: true
  readonly format: Format
}

export function addMirrorSync(
  mirror: Command,
  context: PublishContext,
  exitWith: (code: number) => void,
): void {
  withFormat(withConfigOptions(mirror.command('sync [repositories...]')))
    .description(
      'fetch what the filters select and is not here, also while the server runs; exit status 1 if anything is refused or left',
    )
    .option('--dry-run', 'change nothing, say what would be fetched')
    .action(async (names: readonly string[], flags: SyncFlags) => {
      const config = await loadConfig(flags, context.environment)
      const mirrors = select(config, names)
      const run = flags.dryRun === true ? rehearse : sync
      exitWith((await run(context, config, mirrors, flags.format)) ? EXIT.ok : EXIT.failed)
    })
}

/** Those that are named, or all that are to be complete: not what is fetched only when somebody asks for it. */
function select(config: Config, names: readonly string[]): readonly ConfiguredMirror[] {
  const mirrors = configuredMirrors(config)
  if (names.length > 0) return names.map((name) => requireMirror(mirrors, parseRepositoryArgument(name)))
  const synced = mirrors.filter((mirror) => mirror.config.mode !== 'pull-through')
  if (synced.length > 0) return synced
  throw new AppError(
    'request-invalid',
    'no repository is a mirror with mode sync or both; name those to fetch',
  )
}

async function sync(
  context: PublishContext,
  config: Config,
  mirrors: readonly ConfiguredMirror[],
  format: Format,
): Promise<boolean> {
  const reports: SyncReport[] = []
  await withMirrors(context, config, async ({ open, deps }) => {
    for (const configured of mirrors) {
      if (context.terminated.aborted) break
      const mirror = await open(configured)
      const progress = progressOf(context, `fetching ${describeRepository(configured.repository)}`)
      const options = { by: cliActor(context), signal: context.terminated, progress }
      const report = await syncMirror(deps, mirror, options).finally(progress.end)
      reports.push(report)
      if (format === 'table') for (const line of describeReport(report)) context.print(line)
    }
  })
  if (format === 'json') context.print(JSON.stringify(reports))
  if (context.terminated.aborted)
    throw new AppError('request-aborted', 'interrupted; the same command goes on where this one stopped')
  return reports.every(isAsAsked)
}

async function rehearse(
  context: PublishContext,
  config: Config,
  mirrors: readonly ConfiguredMirror[],
  format: Format,
): Promise<boolean> {
  return withMirrors(context, config, async ({ open, deps }) => {
    const previews = []
    for (const configured of mirrors) {
      const mirror = await open(configured)
      const previewDeps = { offers: deps.catalog.offers, now: deps.now }
      const preview = await previewMirror(previewDeps, mirror, context.terminated)
      previews.push({ repository: configured.repository, ...preview })
    }
    for (const line of describeRehearsal(previews, format)) context.print(line)
    return previews.every(({ upstreams }) => upstreams.every(({ failure }) => failure === undefined))
  })
}

function progressOf(
  { complain, columns }: PublishContext,
  verb: string,
): SyncProgress & { readonly end: () => void } {
  let shown: TransferProgress | undefined
  return {
    begin: (total) => {
      shown = createTransferProgress(verb, total, { write: complain, columns })
    },
    step: () => shown?.step(),
    end: () => shown?.end(),
  }
}
