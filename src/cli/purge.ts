import { Option, type Command } from 'commander'
import { parseDigest } from '../chart/digest.ts'
import { parseChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { parseChartVersion } from '../chart/version.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { purge, type PurgeTarget } from '../repository/purge.ts'
import { cliActor, type CliContext } from './context.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions } from './options.ts'
import { withStores } from './with-stores.ts'

interface PurgeFlags extends ConfigFlags {
  readonly repository?: RepositoryName
  readonly everywhere?: true
  readonly digest?: string
  readonly reason: string
}

export function addPurge(program: Command, context: CliContext): void {
  withConfigOptions(program.command('purge [chart] [version]'))
    .description('remove a leaked version and its bytes at once, for good, also while the server runs')
    .addOption(
      new Option('--repository <name>', 'from this repository only')
        .argParser(parseRepositoryArgument)
        .conflicts(['everywhere', 'digest']),
    )
    .addOption(
      new Option('--everywhere', 'from all that have it, also under another name').conflicts('digest'),
    )
    .option('--digest <sha256>', 'whatever has these bytes, or the same files, instead of chart and version')
    .requiredOption('--reason <text>', 'for the audit trail')
    .action(
      async (chart: string | undefined, version: string | undefined, flags: PurgeFlags, command: Command) => {
        const target = targetOf(chart, version, flags) ?? command.error(USAGE)
        const config = await loadConfig(flags, context.environment)
        const purged = await withStores(config, (stores) =>
          purge(stores, target, flags.reason, cliActor(context)),
        )
        for (const { repository, name, version: purgedVersion } of purged.versions) {
          context.print(`${describeRepository(repository)}: ${name} ${purgedVersion} purged`)
        }
        context.print(`${purged.versions.length} versions purged, ${purged.blobs.length} blobs deleted`)
      },
    )
}

const USAGE = 'error: say CHART VERSION with --repository NAME or --everywhere, or --digest SHA256 alone'

function targetOf(
  chart: string | undefined,
  version: string | undefined,
  { repository, everywhere, digest }: PurgeFlags,
): PurgeTarget | undefined {
  if (digest !== undefined) {
    return chart === undefined
      ? { kind: 'digest', digest: parseDigest(digest.replace(/^sha256:/, '')) }
      : undefined
  }
  const scope = everywhere === true ? 'everywhere' : repository
  if (chart === undefined || version === undefined || scope === undefined) return undefined
  return {
    kind: 'version',
    name: parseChartName(chart),
    version: parseChartVersion(version),
    repository: scope,
  }
}
