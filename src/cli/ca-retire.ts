import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command } from 'commander'
import { type Catalog, type KnownCertificate } from '../catalog/catalog.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { writeCertificateFile } from '../pki/key-store.ts'
import { subjectKeyDigest } from '../pki/pem.ts'
import { asciiOnly } from '../text.ts'
import { type BuiltInCa, CA_CERTIFICATE, CA_OLD_KEY, openBuiltInCa } from './built-in-authority.ts'
import { stateOf } from './certificate-state.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { refreshCrl } from './revocation-list.ts'
import { issueServerPair, readServerCertificate } from './server-pair.ts'
import { withCatalog } from './with-catalog.ts'

interface RetireFlags extends ConfigFlags {
  readonly force?: true
}

export function addCaRetire(ca: Command, context: CliContext): void {
  withConfigOptions(ca.command('retire'))
    .description('end a rotation: drop the old CA, and certify the server with the new one')
    .option('--force', 'also while certificates of the old CA are valid: they stop working')
    .action(async ({ force, ...flags }: RetireFlags) => {
      const config = await loadConfig(flags, context.environment)
      await withCatalog(config, (catalog) =>
        retire(context, { config, catalog, inUse: force === true ? 'drop' : 'refuse' }),
      )
    })
}

interface RetireRequest {
  readonly config: Config
  readonly catalog: Catalog
  /** What becomes of valid certificates of the old CA. */
  readonly inUse: 'refuse' | 'drop'
}

/** The old CA goes from `ca.crt` last but for the CRL: until then, all of it can be done again. */
async function retire(context: CliContext, { config, catalog, inUse }: RetireRequest): Promise<void> {
  const now = context.now()
  const ca = await openBuiltInCa(config, now)
  if (ca.certificates.length === 1) {
    throw new AppError('request-invalid', `${CA_CERTIFICATE} holds one CA only: there is none to retire`)
  }
  if (inUse === 'refuse') await requireUnused(ca, catalog, now)
  for (const file of await recertifyServer(ca, config, now)) context.print(`wrote ${file}`)
  await rm(join(config.certs, CA_OLD_KEY), { force: true })
  const certificateFile = join(config.certs, CA_CERTIFICATE)
  await writeCertificateFile(certificateFile, ca.issuing.certificatePem, 'replace')
  context.print(`wrote ${certificateFile}`)
  const alone = await openBuiltInCa(config, now)
  for (const file of await refreshCrl(alone, { certs: config.certs, catalog, now })) {
    context.print(`wrote ${file}`)
  }
}

/** More names than fit on a screen help nobody. */
const MOST_NAMES = 10

/** Valid certificates of the CAs that go, whose owners have none of the new CA. */
async function requireUnused(ca: BuiltInCa, catalog: Catalog, now: Date): Promise<void> {
  const keys = ca.certificates.map(subjectKeyDigest)
  const valid = (await catalog.listCertificates()).filter(
    (certificate) => keys.includes(certificate.issuerKey) && stateOf(certificate, now) === 'valid',
  )
  const isNew = ({ issuerKey }: KnownCertificate): boolean => issuerKey === ca.issuing.issuerKey
  const renewed = new Set(valid.filter(isNew).map(({ name }) => name))
  const waiting = [...new Set(valid.map(({ name }) => name))].filter((name) => !renewed.has(name))
  if (waiting.length === 0) return
  const shown = waiting.slice(0, MOST_NAMES).map(asciiOnly).join(', ')
  const more = waiting.length > MOST_NAMES ? ` and ${waiting.length - MOST_NAMES} more` : ''
  throw new AppError(
    'request-invalid',
    `not renewed yet under the new CA: ${shown}${more}; renew them with "chartroom cert renew", or use --force`,
  )
}

/** Not where it is another CA's, or on a machine that only keeps the CA. */
async function recertifyServer(
  { issuing, certificates }: BuiltInCa,
  { tls }: Config,
  now: Date,
): Promise<readonly string[]> {
  const existing = await readServerCertificate(tls, certificates)
  if (existing === 'absent' || existing === 'foreign') return []
  if (existing.issuer.fingerprint256 === issuing.certificate.fingerprint256) return []
  return issueServerPair(issuing, tls, { names: existing.names, now, onExisting: 'replace' })
}
