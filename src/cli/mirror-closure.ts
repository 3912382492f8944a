import { type Command } from 'commander'
import { type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { findClosure, type Closure, type Dependency } from '../mirror/closure.ts'
import { requireRepository } from '../repository/require-repository.ts'
import { configuredMirrors, requireMirror } from './configured-mirrors.ts'
import { type CliContext } from './context.ts'
import { EXIT } from './exit.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions, withFormat, type Format } from './options.ts'
import { withCatalogAsItIs } from './with-catalog.ts'

export function addMirrorClosure(
  mirror: Command,
  context: CliContext,
  exitWith: (code: number) => void,
): void {
  withFormat(withConfigOptions(mirror.command('closure <repository>')))
    .description(
      'say which dependencies of its charts are neither in it nor in the mirror of their repository; exit status 1 if any is missing',
    )
    .action(async (name: string, flags: ConfigFlags & { readonly format: Format }) => {
      const closure = await read(context, parseRepositoryArgument(name), flags)
      for (const line of describe(closure, flags.format)) context.print(line)
      exitWith(closure.missing.length === 0 ? EXIT.ok : EXIT.failed)
    })
}

async function read(
  { environment }: CliContext,
  repository: RepositoryName,
  flags: ConfigFlags,
): Promise<Closure> {
  const config = await loadConfig(flags, environment)
  const mirrors = configuredMirrors(config)
  requireMirror(mirrors, repository)
  const providers = mirrors.map((mirror) => ({
    repository: mirror.repository,
    upstreams: mirror.config.upstreams,
  }))
  return withCatalogAsItIs(config, async (catalog) => {
    await requireRepository(catalog, repository)
    return findClosure({ catalog, providers }, repository)
  })
}

function describe(closure: Closure, format: Format): readonly string[] {
  if (format === 'json') return [JSON.stringify(closure)]
  const { held, missing, aliases, bundled } = closure
  return [
    ...missing.map((dependency) => `missing ${named(dependency)}; ${whereFrom(dependency.mirrors)}`),
    ...aliases.map(
      (dependency) => `alias   ${named(dependency)}; which repository that is, the chart does not say`,
    ),
    ...bundled.map((dependency) => `bundled ${named(dependency)}; the chart itself must bring it along`),
    `${held} dependencies present, ${missing.length} missing, ${aliases.length} by an alias, ${bundled.length} bundled`,
  ]
}

function named({ url, name, range, neededBy: [first, ...others] }: Dependency): string {
  const what = [name, range].filter((part) => part !== '').join(' ')
  const from = url === '' ? '' : ` from ${url}`
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return `${what}${from}, needed by ${first?.name ?? ''} ${first?.version ?? ''}${more}`
}

function whereFrom(mirrors: readonly RepositoryName[]): string {
  if (mirrors.length === 0) return 'no mirror of that repository is configured'
  return `not in ${mirrors.map((name) => name || '/').join(', ')} either, which ${mirrors.length === 1 ? 'mirrors' : 'mirror'} it`
}
