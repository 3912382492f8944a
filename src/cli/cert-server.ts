import { type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { openBuiltInCa } from './built-in-authority.ts'
import { type CliContext } from './context.ts'
import { collect, parseDays, withConfigOptions } from './options.ts'
import { defaultServerNames, issueServerPair, readServerCertificate } from './server-pair.ts'

interface ServerFlags extends ConfigFlags {
  readonly name?: readonly string[]
  readonly days?: number
}

export function addCertServer(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('server'))
    .description("renew the server's own certificate, with the names that it has or with others")
    .option('--name <host>', 'instead of its names: a host name or address (may be repeated)', collect)
    .option('--days <n>', 'validity in days (default: 365)', parseDays)
    .action(async ({ name, days, ...flags }: ServerFlags) => {
      const config = await loadConfig(flags, context.environment)
      const now = context.now()
      const ca = await openBuiltInCa(config, now)
      const existing = await readServerCertificate(config.tls, ca.certificates)
      if (existing === 'foreign') {
        throw new AppError(
          'request-invalid',
          `${config.tls.certificate} is not from the built-in CA: renew it where it came from, or move it away`,
        )
      }
      // During a rotation every client trusts the CA before, and not every one the new.
      const files = await issueServerPair(ca.retiring ?? ca.issuing, config.tls, {
        names: name ?? (existing === 'absent' ? defaultServerNames() : existing.names),
        ...(days !== undefined && { days }),
        now,
        onExisting: 'replace',
      })
      for (const file of files) context.print(file)
    })
}
