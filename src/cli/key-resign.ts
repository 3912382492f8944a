import { type Command, Option } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { describeFinding } from '../repository/check-integrity.ts'
import { resign, type ResignFinding } from '../repository/resign.ts'
import { type SignedBy } from '../repository/retired-keys.ts'
import { cliActor, type CliContext } from './context.ts'
import { EXIT } from './exit.ts'
import { parseFingerprint, parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions } from './options.ts'
import { withStores } from './with-stores.ts'

interface ResignFlags extends ConfigFlags {
  readonly repository?: RepositoryName
  readonly all?: true
  readonly signedBy?: string
}

/** Versions between two lines of progress: a second or two. */
const PROGRESS_EVERY = 100

export function addKeyResign(key: Command, context: CliContext, exitWith: (code: number) => void): void {
  withConfigOptions(key.command('resign'))
    .description("sign versions anew with the key in force, and drop older keys' signatures from them")
    .option('--repository <name>', 'only this repository', parseRepositoryArgument)
    .option(
      '--signed-by <fingerprint>',
      'the versions that carry a signature of this older key',
      parseFingerprint,
    )
    .addOption(
      new Option(
        '--all',
        'the versions that carry a signature of any older key, or none of the key in force',
      ).conflicts('signedBy'),
    )
    .action(async (flags: ResignFlags, command: Command) => {
      const signedBy = chosenKeys(flags) ?? command.error('error: say --signed-by FINGERPRINT or --all')
      exitWith((await run(context, flags, signedBy)) === 0 ? EXIT.ok : EXIT.failed)
    })
}

function chosenKeys({ all, signedBy }: ResignFlags): SignedBy | undefined {
  if (signedBy !== undefined) return { kind: 'key', fingerprint: signedBy }
  return all === true ? { kind: 'any' } : undefined
}

type Counts = Record<ResignFinding['outcome'], number>

/** Gives how many versions it could not sign. */
async function run(context: CliContext, flags: ResignFlags, signedBy: SignedBy): Promise<number> {
  const config = await loadConfig(flags, context.environment)
  const settingsOf = await readRepositorySettings(config)
  const counts: Counts = { resigned: 0, unchanged: 0, failed: 0 }
  await withStores(config, async (stores) => {
    const { repository } = flags
    const request = { signedBy, actor: cliActor(context), ...(repository !== undefined && { repository }) }
    for await (const finding of resign({ ...stores, settingsOf }, request)) {
      counts[finding.outcome] += 1
      if (finding.outcome === 'failed') context.print(describeFinding(finding))
      if (total(counts) % PROGRESS_EVERY === 0) context.print(`… ${describeCounts(counts)}`)
    }
    await audit(context, stores.catalog, signedBy, counts)
  })
  context.print(describeCounts(counts))
  return counts.failed
}

function total({ resigned, unchanged, failed }: Counts): number {
  return resigned + unchanged + failed
}

function describeCounts(counts: Counts): string {
  const { resigned, unchanged, failed } = counts
  return `${total(counts)} versions read, ${resigned} signed anew, ${unchanged} as they should be, ${failed} failed`
}

/** Each version's change is in the trail already; this says what they were part of. */
async function audit(
  context: CliContext,
  catalog: Catalog,
  signedBy: SignedBy,
  counts: Counts,
): Promise<void> {
  const whose = signedBy.kind === 'any' ? 'any older key' : signedBy.fingerprint
  await catalog.appendAudit({
    ...cliActor(context),
    action: 'admin',
    outcome: counts.resigned === 0 ? 'unchanged' : 'done',
    detail: `signed anew what ${whose} had signed: ${describeCounts(counts)}`,
  })
}
