import { type Command } from 'commander'
import { describeRepository } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { readMirrorStatus, type MirrorStatus, type UpstreamStatus } from '../mirror/status.ts'
import { selectMirrors } from './configured-mirrors.ts'
import { type CliContext } from './context.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions, withFormat, type Format } from './options.ts'
import { renderTable } from './table.ts'
import { withCatalogAsItIs } from './with-catalog.ts'

export function addMirrorStatus(mirror: Command, context: CliContext): void {
  withFormat(withConfigOptions(mirror.command('status [repository]')))
    .description('say how far each mirror is, and what its upstreams answered last')
    .action(async (name: string | undefined, flags: ConfigFlags & { readonly format: Format }) => {
      const config = await loadConfig(flags, context.environment)
      const named = name === undefined ? [] : [parseRepositoryArgument(name)]
      const mirrors = selectMirrors(config, named)
      const statuses = await withCatalogAsItIs(config, async (catalog) => {
        const now = context.now()
        return Promise.all(
          mirrors.map(({ repository, config: settings }) =>
            readMirrorStatus(catalog, { repository, settings, upstreams: settings.upstreams }, now),
          ),
        )
      })
      for (const line of describe(statuses, flags.format)) context.print(line)
    })
}

const HEADING = [
  '  UPSTREAM',
  'URL',
  'READ',
  'ENTRIES',
  'NOT FETCHED',
  'STORED',
  'HELD',
  'REJECTED',
  'REFUSED',
  'LAST ERROR',
]

function describe(statuses: readonly MirrorStatus[], format: Format): readonly string[] {
  if (format === 'json') return [JSON.stringify(statuses)]
  return statuses.flatMap(({ repository, mode, offline, lastSync, upstreams }) => [
    `${describeRepository(repository)}: ${mode}${offline ? ', offline' : ''}`,
    ...(lastSync === undefined
      ? []
      : [`  last sync ${lastSync.at.toISOString()} by ${lastSync.by}: ${lastSync.summary}`]),
    ...renderTable([HEADING, ...upstreams.map(rowOf)]),
  ])
}

function rowOf(upstream: UpstreamStatus): readonly string[] {
  const { name, url, checkedAt, ageS, isStale, failure } = upstream
  const { entries, listed, stored, held, rejected, refused } = upstream
  const read = checkedAt === undefined ? 'never' : `${describeAge(ageS ?? 0)} ago${isStale ? ' (stale)' : ''}`
  const error = failure === undefined ? '-' : `${failure.at.toISOString()} ${failure.reason}`
  return [`  ${name}`, url, read, ...[entries, listed, stored, held, rejected, refused].map(String), error]
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const

function describeAge(seconds: number): string {
  const [unit, size] = UNITS.find(([, unitS]) => seconds >= unitS * 2) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}
