import { type Command, Option } from 'commander'
import { type KnownCertificate } from '../catalog/catalog.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { asciiOnly } from '../text.ts'
import { stateOf } from './certificate-state.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { renderTable } from './table.ts'
import { withCatalog } from './with-catalog.ts'

export function addCertList(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('list'))
    .description('list the certificates that were issued: whose, until when, revoked or not, last seen')
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action(async ({ format, ...flags }: ConfigFlags & { readonly format: 'table' | 'json' }) => {
      const config = await loadConfig(flags, context.environment)
      const certificates = await withCatalog(config, (catalog) => catalog.listCertificates())
      const now = context.now()
      context.print(format === 'json' ? renderJson(certificates, now) : renderList(certificates, now))
    })
}

function renderList(certificates: readonly KnownCertificate[], now: Date): string {
  const rows = certificates.map((certificate) => [
    // An imported one may have any name.
    asciiOnly(certificate.name),
    certificate.serial,
    dateOf(certificate.notAfter),
    describeState(certificate, now),
    certificate.lastSeenAt === undefined ? 'never' : dateOf(certificate.lastSeenAt),
    asciiOnly([certificate.subject, ...certificate.altNames].join(', ')),
  ])
  return renderTable([['NAME', 'SERIAL', 'EXPIRES', 'STATE', 'LAST SEEN', 'SUBJECT'], ...rows]).join('\n')
}

function describeState(certificate: KnownCertificate, now: Date): string {
  const { revocation } = certificate
  return revocation === undefined
    ? stateOf(certificate, now)
    : `revoked ${dateOf(revocation.at)} (${revocation.reason})`
}

function dateOf(time: Date): string {
  return time.toISOString().slice(0, 'YYYY-MM-DDThh:mm'.length).replace('T', ' ')
}

/** For scripts: times as ISO 8601, what is not known left out. */
function renderJson(certificates: readonly KnownCertificate[], now: Date): string {
  const entries = certificates.map(({ revocation, ...certificate }) => ({
    ...certificate,
    state: stateOf({ ...certificate, ...(revocation && { revocation }) }, now),
    ...(revocation && { revokedAt: revocation.at, reason: revocation.reason }),
  }))
  return JSON.stringify(entries, undefined, 2)
}
