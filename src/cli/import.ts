import { stat } from 'node:fs/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { type ClientTlsFiles, readClientTls } from '../publishing/client-tls.ts'
import { createAgent } from '../publishing/http-client.ts'
import { parseRepositoryUrl } from '../publishing/repository-url.ts'
import { importPackage, type ImportFinding, type ImportRules } from '../repository/import-package.ts'
import { requireRepository } from '../repository/require-repository.ts'
import { openBundleSource } from '../transfer/bundle-source.ts'
import { openDirectorySource } from '../transfer/directory-source.ts'
import { Downloader } from '../transfer/downloader.ts'
import { inParallel } from '../transfer/in-parallel.ts'
import { type PackageSource } from '../transfer/package-source.ts'
import { openRemoteSource } from '../transfer/remote-source.ts'
import { cliActor } from './context.ts'
import { EXIT } from './exit.ts'
import { countFindings, describeCounts, describeImport, type ImportCounts } from './import-report.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { collect, parseDuration, withConfigOptions } from './options.ts'
import { type PublishContext } from './publish.ts'
import { createTransferProgress } from './transfer-progress.ts'
import { withNewStores } from './with-stores.ts'
import { type Stores } from '../app/stores.ts'
import { ArchiveReader } from '../workers/archive-reader.ts'

interface ImportFlags extends ConfigFlags, ClientTlsFiles {
  readonly repository: RepositoryName
  readonly lenient?: true
  readonly create?: true
  readonly dryRun?: true
  readonly tenants?: true
  readonly allowHost?: readonly string[]
  readonly jobs?: number
  readonly timeout: number
  readonly format: 'table' | 'json'
}

/** Packages at a time: of a folder so many that they wait for the disk together; another server is spared. */
const FOLDER_JOBS = 32
const OTHER_JOBS = 8
const TIMEOUT = '120s'

export function addImport(program: Command, context: PublishContext, exitWith: (code: number) => void): void {
  withConfigOptions(program.command('import <source>'))
    .description(
      'take over the charts of a folder, a repository URL or an exported bundle; exit status 1 if any is refused',
    )
    .requiredOption('--repository <name>', 'where they go; / is the root repository', parseRepositoryArgument)
    .option('--lenient', 'also take what only Helm itself reads, and mark it')
    .option('--create', 'make the repositories that are not there')
    .option('--tenants', 'of a folder: its sub-folders are repositories below')
    .option('--dry-run', 'change nothing, say what would be')
    .option(
      '--jobs <n>',
      `packages at a time (default: ${FOLDER_JOBS} of a folder, else ${OTHER_JOBS})`,
      parseJobs,
    )
    .option('--allow-host <host>', 'of a URL: archives may also come from there; may be repeated', collect)
    .option('--cert-file <file>', 'of a URL: client certificate')
    .option('--key-file <file>', 'its key')
    .option('--ca-file <file>', "the CA of that server's certificate (default: those of the system)")
    .option('--timeout <duration>', 'of a URL: for one file', parseDuration, parseDuration(TIMEOUT))
    .addOption(new Option('--format <format>', 'of the report').choices(['table', 'json']).default('table'))
    .action(async (source: string, flags: ImportFlags) => {
      exitWith(await run(context, source, flags))
    })
}

async function run(context: PublishContext, source: string, flags: ImportFlags): Promise<number> {
  const config = await loadConfig(flags, context.environment)
  const settingsOf = await readRepositorySettings(config)
  const findings = await withNewStores(config, async (stores) => {
    if (flags.create !== true) await requireRepository(stores.catalog, flags.repository)
    const opened = await openSource(context, source, flags)
    const archives = new ArchiveReader()
    try {
      for (const note of opened.source.notes) context.complain(`chartroom: ${note}\n`)
      const rules = rulesOf(context, config, flags)
      const done = await importAll(context, opened.source, {
        jobs: flags.jobs ?? opened.jobs,
        take: (pack) => importPackage({ ...stores, settingsOf, archives }, pack, rules),
      })
      if (rules.effect === 'import') await audit(context, stores, flags, countFindings(done))
      return done
    } finally {
      opened.close()
      await archives.close()
    }
  })
  for (const line of describeImport(findings, flags.format)) context.print(line)
  return findings.some(({ outcome }) => outcome === 'refused') ? EXIT.failed : EXIT.ok
}

function rulesOf(
  context: PublishContext,
  { uploads }: Config,
  { lenient, create, dryRun }: ImportFlags,
): ImportRules {
  return {
    reading: lenient === true ? 'lenient' : 'strict',
    onUnknownRepository: create === true ? 'create' : 'refuse',
    effect: dryRun === true ? 'rehearse' : 'import',
    maxBytes: uploads.maxBytes,
    actor: cliActor(context),
  }
}

interface OpenedSource {
  readonly source: PackageSource
  readonly jobs: number
  readonly close: () => void
}

async function openSource(
  context: PublishContext,
  source: string,
  flags: ImportFlags,
): Promise<OpenedSource> {
  const { repository, tenants } = flags
  if (source.includes('://')) return openRemote(context, source, flags)
  const close = (): void => undefined
  const found = await stat(source).catch((error: unknown) => {
    throw new AppError('request-invalid', `${source} cannot be read`, { cause: error })
  })
  if (!found.isDirectory())
    return { source: await openBundleSource(source, repository), jobs: OTHER_JOBS, close }
  const options = { directory: source, repository, tenants: tenants === true ? 'below' : 'none' } as const
  return { source: await openDirectorySource(options), jobs: FOLDER_JOBS, close }
}

async function openRemote(
  { environment, now, version, terminated }: PublishContext,
  text: string,
  flags: ImportFlags,
): Promise<OpenedSource> {
  const url = parseRepositoryUrl(text)
  const { certFile, keyFile, caFile, repository, allowHost = [], timeout } = flags
  const files = { ...(certFile && { certFile }), ...(keyFile && { keyFile }), ...(caFile && { caFile }) }
  const agent = createAgent(await readClientTls(files, now()), environment)
  const trusted = caFile === undefined ? {} : { caFile }
  const foreignAgent = createAgent(await readClientTls(trusted, now()), environment)
  const close = (): void => {
    agent.destroy()
    foreignAgent.destroy()
  }
  // Named as helm-push has them.
  const { HELM_REPO_USERNAME: user, HELM_REPO_PASSWORD: password } = environment
  const downloader = new Downloader({
    repository: url,
    agent,
    foreignAgent,
    allowedHosts: allowHost,
    userAgent: `chartroom/${version}`,
    timeoutMs: timeout,
    terminated,
    ...(user !== undefined && password !== undefined && { password: { user, password } }),
  })
  try {
    return { source: await openRemoteSource(url, repository, downloader), jobs: OTHER_JOBS, close }
  } catch (error) {
    close()
    throw error
  }
}

interface Importing {
  readonly jobs: number
  readonly take: (pack: Parameters<typeof importPackage>[1]) => Promise<ImportFinding>
}

async function importAll(
  { complain, columns, terminated }: PublishContext,
  { total, packages }: PackageSource,
  { jobs, take }: Importing,
): Promise<readonly ImportFinding[]> {
  const progress = createTransferProgress('importing', total, { write: complain, columns })
  const findings: ImportFinding[] = []
  try {
    await inParallel(packages(), jobs, async (pack) => {
      if (terminated.aborted) {
        pack.close()
        throw new AppError('request-aborted', 'interrupted; the same command goes on where this one stopped')
      }
      findings.push(await take(pack))
      progress.step()
    })
    return findings
  } finally {
    progress.end()
  }
}

/** Each version's change and each refusal is in the trail already; this says what they were part of. */
async function audit(
  context: PublishContext,
  { catalog }: Stores,
  { repository }: ImportFlags,
  counts: ImportCounts,
): Promise<void> {
  await catalog.appendAudit({
    ...cliActor(context),
    action: 'admin',
    outcome: counts.created === 0 ? 'unchanged' : 'done',
    repository,
    detail: `imported: ${describeCounts(counts)}`,
  })
}

function parseJobs(text: string): number {
  const jobs = Number(text)
  if (/^\d+$/.test(text) && jobs >= 1 && jobs <= 64) return jobs
  throw new InvalidArgumentError('expected a whole number from 1 to 64')
}
