import { type Command } from 'commander'
import { parseRepositoryName, describeRepository } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { cliActor, type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { withStores } from './with-stores.ts'

export function addRepo(program: Command, context: CliContext): void {
  const repo = program.command('repo').description('make and list repositories')
  withConfigOptions(repo.command('create <name>'))
    .description('make an empty repository, such as team-a/stable')
    .action(async (name: string, flags: ConfigFlags) => {
      const repository = parseRepositoryName(name)
      const config = await loadConfig(flags, context.environment)
      const outcome = await withStores(config, ({ catalog }) =>
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
      for (const { name, revision, changedAt } of records) {
        context.print(`${name || '/'}\trevision ${revision}\tchanged ${changedAt.toISOString()}`)
      }
    })
}
