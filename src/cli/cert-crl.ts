import { type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { openBuiltInCa } from './built-in-authority.ts'
import { type CliContext } from './context.ts'
import { parseDays, withConfigOptions } from './options.ts'
import { CRL_DAYS, writeCrl } from './revocation-list.ts'
import { withCatalog } from './with-catalog.ts'

export function addCertCrl(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('crl'))
    .description('write crl.pem anew, before the one that others have goes out of date')
    .option('--days <n>', 'for how long it counts', parseDays, CRL_DAYS)
    .action(async ({ days, ...flags }: ConfigFlags & { readonly days: number }) => {
      const config = await loadConfig(flags, context.environment)
      const now = context.now()
      const ca = await openBuiltInCa(config, now)
      const { certs } = config
      context.print(await withCatalog(config, (catalog) => writeCrl(ca, { certs, catalog, now, days })))
    })
}
