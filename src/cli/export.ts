import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { exportRepository, type ExportDeps, type RepositoryExport } from '../repository/export-repository.ts'
import { requireRepository } from '../repository/require-repository.ts'
import { folderOf } from '../transfer/bundle.ts'
import { writeBundle } from '../transfer/write-bundle.ts'
import { writeDirectory } from '../transfer/write-directory.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions } from './options.ts'
import { type PublishContext } from './publish.ts'
import { createTransferProgress } from './transfer-progress.ts'
import { withStores } from './with-stores.ts'

interface ExportFlags extends ConfigFlags {
  readonly repository: RepositoryName
  readonly all?: true
}

export function addExport(program: Command, context: PublishContext): void {
  withConfigOptions(program.command('export <target>'))
    .description('write a static copy into a folder, or a bundle for "chartroom import" into a .tar file')
    .requiredOption(
      '--repository <name>',
      'what is copied; / is the root repository',
      parseRepositoryArgument,
    )
    .option('--all', 'also the repositories below it, each in its own sub-folder')
    .action(async (target: string, flags: ExportFlags) => {
      await run(context, target, flags)
    })
}

async function run(context: PublishContext, target: string, flags: ExportFlags): Promise<void> {
  const config = await loadConfig(flags, context.environment)
  const settingsOf = await readRepositorySettings(config)
  await withStores(config, async (stores) => {
    const deps = { ...stores, settingsOf }
    const exports: RepositoryExport[] = []
    for (const name of await chooseRepositories(deps, flags)) exports.push(await exportRepository(deps, name))
    const total = exports.reduce((sum, { files }) => sum + files.length, 0)
    const progress = createTransferProgress('exporting', total, {
      write: context.complain,
      columns: context.columns,
    })
    const onFile = (): void => {
      if (context.terminated.aborted) throw new AppError('request-aborted', 'interrupted')
      progress.step()
    }
    try {
      const write = (await isBundle(target)) ? bundle : directory
      const lines = await write(target, exports, { base: flags.repository, onFile })
      progress.end()
      for (const line of lines) context.print(line)
    } finally {
      progress.end()
    }
  })
}

async function chooseRepositories(
  { catalog }: ExportDeps,
  { repository, all }: ExportFlags,
): Promise<readonly RepositoryName[]> {
  await requireRepository(catalog, repository)
  if (all !== true) return [repository]
  const names = (await catalog.listRepositories()).map(({ name }) => name)
  const isBelow = (name: string): boolean => repository === '' || name.startsWith(`${repository}/`)
  return names.filter((name) => name === repository || isBelow(name))
}

async function isBundle(target: string): Promise<boolean> {
  if (!target.endsWith('.tar')) return false
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return !isFolder
}

interface Writing {
  readonly base: RepositoryName
  readonly onFile: () => void
}

async function bundle(
  file: string,
  exports: readonly RepositoryExport[],
  writing: Writing,
): Promise<readonly string[]> {
  await writeBundle(file, exports, writing)
  return exports.map((one) => `${describe(one)} bundled`)
}

async function directory(
  folder: string,
  exports: readonly RepositoryExport[],
  { base, onFile }: Writing,
): Promise<readonly string[]> {
  const lines: string[] = []
  for (const one of exports) {
    const counts = await writeDirectory(one, join(folder, folderOf(one.repository, base)), onFile)
    const { written, unchanged, removed } = counts
    lines.push(`${describe(one)}: ${written} files written, ${unchanged} unchanged, ${removed} removed`)
  }
  return lines
}

function describe({ repository, revision, versions }: RepositoryExport): string {
  return `${describeRepository(repository)} at revision ${revision}, ${versions.length} versions`
}
