import { InvalidArgumentError, type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { issueClientFiles } from './client-files.ts'
import { cliActor, type CliContext } from './context.ts'
import { collect, withConfigOptions } from './options.ts'
import { openBuiltInAuthority } from './built-in-authority.ts'
import { withStores } from './with-stores.ts'

interface IssueFlags extends ConfigFlags {
  readonly org?: readonly string[]
  readonly unit?: readonly string[]
  readonly uri?: string
  readonly days?: number
  readonly p12?: true
  readonly out?: string
}

export function addCert(program: Command, context: CliContext): void {
  const cert = program.command('cert').description('make client certificates with the built-in CA')
  withConfigOptions(cert.command('issue <name>'))
    .description('make NAME.crt and NAME.key, ready for --cert-file and --key-file')
    .option('--org <o>', 'organization (may be repeated)', collect)
    .option('--unit <ou>', 'organizational unit, such as publishers (may be repeated)', collect)
    .option('--uri <uri>', 'URI name, such as spiffe://example.org/ci')
    .option('--days <n>', 'validity in days (default: 365)', parseDays)
    .option('--p12', 'also NAME.p12 for browsers, and its password in NAME.p12.password')
    .option('--out <dir>', 'folder for the files (default: clients in the certs folder)')
    .action(async (name: string, flags: IssueFlags) => {
      await issue(context, name, flags)
    })
}

async function issue(context: CliContext, name: string, flags: IssueFlags): Promise<void> {
  const config = await loadConfig(flags, context.environment)
  const authority = await openBuiltInAuthority(config.certs, context.now())
  const files = await withStores(config, ({ catalog }) =>
    issueClientFiles({ authority, catalog, actor: cliActor(context) }, config.certs, {
      name,
      organizations: flags.org ?? [],
      units: flags.unit ?? [],
      ...(flags.uri !== undefined && { uri: flags.uri }),
      ...(flags.days !== undefined && { days: flags.days }),
      bundle: flags.p12 === true ? 'pkcs12' : 'none',
      ...(flags.out !== undefined && { directory: flags.out }),
    }),
  )
  for (const file of files) context.print(file)
}

function parseDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1) throw new InvalidArgumentError('expected a whole number of days')
  return days
}
