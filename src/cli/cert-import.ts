import { type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { describeCertificate, findIssuer } from '../pki/describe-certificate.ts'
import { asciiOnly } from '../text.ts'
import { readCaCertificates } from './built-in-authority.ts'
import { readCertificateChain } from './certificate-input.ts'
import { recordIssued } from './client-files.ts'
import { cliActor, type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { withCatalog } from './with-catalog.ts'

export function addCertImport(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('import <files...>'))
    .description('record certificates that the built-in CA has issued on another machine')
    .action(async (files: readonly string[], flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const { certificates } = await readCaCertificates(config.certs)
      await withCatalog(config, async (catalog) => {
        for (const file of files) {
          const [certificate] = await readCertificateChain(file)
          const issuer = findIssuer(certificate, certificates)
          if (issuer === undefined) {
            throw new AppError('request-invalid', `${file} is not from the built-in CA`)
          }
          const described = describeCertificate(certificate, issuer)
          await recordIssued({ catalog, actor: cliActor(context) }, described)
          context.print(asciiOnly(`recorded ${described.serial} of ${described.name}`))
        }
      })
    })
}
