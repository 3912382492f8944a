import { type Command } from 'commander'
import { type ConfigFlags } from '../config/sources.ts'
import { acceptDigests, releaseOffers } from '../mirror/decide.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { decideOnOffers } from './mirror-decision.ts'

interface ReleaseFlags extends ConfigFlags {
  readonly acceptDigest: boolean
}

export function addMirrorRelease(mirror: Command, context: CliContext): void {
  withConfigOptions(mirror.command('release <repository> <chart> [versions...]'))
    .description(
      'let through what quarantine or approval holds back; without versions, all of the chart that is held',
    )
    .option(
      '--accept-digest',
      'take the digest that the upstream says by now, of these versions, where another one was seen first and nothing is stored',
      false,
    )
    .action(async (repository: string, chart: string, versions: readonly string[], flags: ReleaseFlags) => {
      const decide = flags.acceptDigest ? acceptDigests : releaseOffers
      const released = await decideOnOffers(context, { repository, chart, versions, flags }, decide)
      for (const { name, version } of released) context.print(`${name} ${version} released`)
    })
}
