import { Option, type Command } from 'commander'
import { parseChartName } from '../chart/name.ts'
import { parseRepositoryName, ROOT_REPOSITORY, type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { explainRights, personsOf, type Person } from '../policy/explain.ts'
import { ACTIONS, type Action } from '../policy/rule.ts'
import { type CliContext } from './context.ts'
import { collect, withConfigOptions } from './options.ts'
import { collectNames, personOfCertificate, personOfNames, type GivenName } from './policy-person.ts'
import { renderExplanation, renderRights, rightsToJson, type Virtual } from './policy-report.ts'
import { withCatalogAsItIs } from './with-catalog.ts'

interface CheckFlags extends ConfigFlags {
  readonly cert?: string
  readonly identity?: readonly GivenName[]
  readonly repository?: readonly string[]
  readonly chart?: string
  readonly explain?: Action
  readonly format: 'table' | 'json'
}

export function addPolicy(program: Command, context: CliContext): void {
  const policy = program.command('policy').description('look at who may do what')
  withConfigOptions(policy.command('check'))
    .description(
      'print who may do what where, for everybody whom the rules name, or for one certificate or identity',
    )
    .addOption(new Option('--cert <file>', 'for this client certificate').conflicts('identity'))
    .option(
      '--identity <[anchor/]kind:value>',
      'for whoever has this name, such as built-in/cn:ci (may be repeated, for one who has them all)',
      collectNames,
    )
    .option('--repository <name>', 'only here; / is the root repository (may be repeated)', collect)
    .option('--chart <name>', 'about this chart; without it, an action counts that is allowed for some chart')
    .addOption(new Option('--explain <action>', 'which rule decides about the action').choices(ACTIONS))
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action(async (flags: CheckFlags) => {
      const config = await loadConfig(flags, context.environment)
      context.print(await check(config, flags, context.now()))
    })
}

async function check(config: Config, flags: CheckFlags, now: Date): Promise<string> {
  const rights = explainRights(config.rules, {
    persons: await personsFor(config, flags, now),
    repositories: await repositoriesFor(config, flags),
    ...(flags.chart !== undefined && { chart: parseChartName(flags.chart) }),
  })
  if (flags.format === 'json') return JSON.stringify(rightsToJson(rights, flags.explain), undefined, 2)
  return flags.explain === undefined
    ? renderRights(rights, virtualIn(config))
    : renderExplanation(rights, flags.explain, config.rules)
}

async function personsFor(config: Config, flags: CheckFlags, now: Date): Promise<readonly Person[]> {
  if (flags.cert !== undefined) return [await personOfCertificate(flags.cert, config, now)]
  if (flags.identity !== undefined) return [personOfNames(flags.identity, config)]
  return personsOf(config.rules)
}

function virtualIn({ repositories }: Config): Virtual {
  return new Map(
    repositories.flatMap(({ name, virtual }) =>
      typeof name === 'string' && virtual !== undefined ? [[name, virtual] as const] : [],
    ),
  )
}

/** The configured ones, and what is there besides as far as the catalog can be read. */
async function repositoriesFor(config: Config, flags: CheckFlags): Promise<readonly RepositoryName[]> {
  if (flags.repository !== undefined) {
    return flags.repository.map((name) => parseRepositoryName(name === '/' ? '' : name))
  }
  const configured = config.repositories.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  const recorded = await withCatalogAsItIs(config, (catalog) => catalog.listRepositories()).catch(
    nothingThere,
  )
  const names = new Set([ROOT_REPOSITORY, ...configured, ...recorded.map(({ name }) => name)])
  return [...names].sort()
}

/** Before the first start there is no catalog, and the policy is to be looked at all the same. */
function nothingThere(error: unknown): [] {
  if (error instanceof AppError) return []
  throw error
}
