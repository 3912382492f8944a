import { type Command } from 'commander'
import { describeRepository, parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { deleteRepository, renameRepository } from '../repository/change-repository.ts'
import { cliActor, type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withCatalog } from './with-catalog.ts'
import { withNewStores, withStores } from './with-stores.ts'

export function addRepo(program: Command, context: CliContext): void {
  const repo = program.command('repo').description('make, list, rename and delete repositories')
  withConfigOptions(repo.command('create <name>'))
    .description('make an empty repository, such as team-a/stable')
    .action(async (name: string, flags: ConfigFlags) => {
      const repository = parseRepositoryName(name)
      const config = await loadConfig(flags, context.environment)
      const outcome = await withNewStores(config, ({ catalog }) =>
        catalog.createRepository(repository, cliActor(context)),
      )
      context.print(
        `${describeRepository(repository)}: ${outcome === 'created' ? 'created' : 'exists already'}`,
      )
    })
  withConfigOptions(repo.command('list'))
    .description('list the repositories with their revisions')
    .action(async (flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const records = await withStores(config, ({ catalog }) => catalog.listRepositories())
      for (const { name, revision, changedAt, versions, bytes } of records) {
        const members = config.repositories.find((entry) => entry.name === name)?.virtual
        const held = members === undefined ? `${versions} versions\t${bytes} bytes` : describeMembers(members)
        context.print(`${name || '/'}\trevision ${revision}\tchanged ${changedAt.toISOString()}\t${held}`)
      }
    })
  addRename(repo, context)
  addDelete(repo, context)
}

function describeMembers(members: readonly RepositoryName[]): string {
  return `virtual: ${members.map((name) => name || '/').join(', ')}`
}

function addRename(repo: Command, context: CliContext): void {
  withConfigOptions(repo.command('rename <old> <new>'))
    .description('give a repository another name, also while the server runs')
    .action(async (old: string, name: string, flags: ConfigFlags) => {
      const [from, to] = [parseRepositoryArgument(old), parseRepositoryArgument(name)]
      const config = await loadConfig(flags, context.environment)
      await withCatalog(config, (catalog) => renameRepository(catalog, from, to, cliActor(context)))
      context.print(`${describeRepository(from)}: is ${to} now; clients need its new URL`)
      warnOfSettings(context, config, from)
    })
}

function addDelete(repo: Command, context: CliContext): void {
  withConfigOptions(repo.command('delete <name>'))
    .description('delete a repository with what was ever in it, also while the server runs')
    .option('--force', 'also when it holds charts, which are deleted with it')
    .action(async (text: string, flags: ConfigFlags & { readonly force?: true }) => {
      const name = parseRepositoryArgument(text)
      const config = await loadConfig(flags, context.environment)
      const versions = flags.force === true ? 'delete' : 'refuse'
      await withCatalog(config, (catalog) => deleteRepository(catalog, name, versions, cliActor(context)))
      context.print(`${name}: deleted; "chartroom gc" frees its space`)
      warnOfSettings(context, config, name)
    })
}

/** What is configured by name comes into being again at the next start. */
function warnOfSettings(context: CliContext, { repositories }: Config, name: RepositoryName): void {
  if (!repositories.some((entry) => entry.name === name)) return
  context.print(
    `${name} is still under "repositories" in the configuration: the next start would make it anew`,
  )
}
