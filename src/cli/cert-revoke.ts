import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type Catalog, type CertificateId } from '../catalog/catalog.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { describeCertificate, findIssuer } from '../pki/describe-certificate.ts'
import { parseCertificates } from '../pki/pem.ts'
import { OPERATOR_REASONS, type RevocationReason } from '../pki/revocation-reason.ts'
import { quoted } from '../text.ts'
import { readCertificateChain } from './certificate-input.ts'
import { describeRevocation, stateOf } from './certificate-state.ts'
import { cliActor, type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { publishCrl } from './revocation-list.ts'
import { withCatalog } from './with-catalog.ts'

interface RevokeFlags extends ConfigFlags {
  readonly serial?: string
  readonly file?: string
  readonly reason: RevocationReason
}

export function addCertRevoke(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('revoke [name]'))
    .description('refuse certificates from now on: all of NAME that are valid, or exactly one')
    .option('--serial <hex>', 'the recorded certificate with this serial number')
    .option('--file <file>', 'this certificate, recorded or not, also of a CA of your own')
    .addOption(new Option('--reason <reason>').choices(OPERATOR_REASONS).default('unspecified'))
    .action(async (name: string | undefined, flags: RevokeFlags) => {
      await revoke(context, name, flags)
    })
}

async function revoke(context: CliContext, name: string | undefined, flags: RevokeFlags): Promise<void> {
  const target = targetFrom({ name, serial: flags.serial, file: flags.file })
  const config = await loadConfig(flags, context.environment)
  const actor = cliActor(context)
  await withCatalog(config, async (catalog) => {
    for (const certificate of await findTargets(target, { config, catalog, now: actor.at })) {
      const { outcome, revocation } = await catalog.revokeCertificate(certificate, flags.reason, actor)
      const again = outcome === 'unchanged' ? ' already' : ''
      context.print(`revoked ${certificate.serial}${again} on ${describeRevocation(revocation)}`)
    }
    for (const line of await publishCrl(config, catalog, actor.at)) context.print(line)
  })
}

interface Target {
  readonly by: 'name' | 'serial' | 'file'
  readonly text: string
}

function targetFrom(given: Readonly<Record<Target['by'], string | undefined>>): Target {
  const targets = (['name', 'serial', 'file'] as const).flatMap((by): Target[] => {
    const text = given[by]
    return text === undefined ? [] : [{ by, text }]
  })
  const [target, ...others] = targets
  if (target !== undefined && others.length === 0) return target
  throw new AppError('request-invalid', 'say what to revoke: a name, or --serial, or --file')
}

interface Source {
  readonly config: Config
  readonly catalog: Catalog
  readonly now: Date
}

async function findTargets(
  { by, text }: Target,
  { config, catalog, now }: Source,
): Promise<readonly CertificateId[]> {
  switch (by) {
    case 'name':
      return findByName(text, catalog, now)
    case 'serial':
      return [await findBySerial(text, catalog)]
    case 'file':
      return [await identify(text, config)]
  }
}

/** All of them: after a renewal, the certificate before it goes on working until it expires. */
async function findByName(name: string, catalog: Catalog, now: Date): Promise<readonly CertificateId[]> {
  const known = await catalog.findCertificates({ name })
  const valid = known.filter((certificate) => stateOf(certificate, now) === 'valid')
  if (valid.length > 0) return valid
  const why = known.length === 0 ? 'is recorded' : 'is valid: those recorded have expired or are revoked'
  throw new AppError('request-invalid', `no certificate of ${quoted(name)} ${why} ("chartroom cert list")`)
}

async function findBySerial(text: string, catalog: Catalog): Promise<CertificateId> {
  const serial = parseSerial(text)
  const [certificate, ...others] = await catalog.findCertificates({ serial })
  if (certificate !== undefined && others.length === 0) return certificate
  const why = certificate === undefined ? 'no certificate is recorded' : 'several CAs have issued one'
  throw new AppError('request-invalid', `${why} with this serial number: revoke it by its --file`)
}

/** As OpenSSL, browsers and Chartroom write it: with colons or a prefix, in either case. */
function parseSerial(text: string): string {
  const digits = text.replace(/^0x/i, '').replaceAll(':', '').toLowerCase()
  if (/^[0-9a-f]{1,40}$/.test(digits)) return digits.replace(/^0+(?=.)/, '')
  throw new AppError('request-invalid', `not a serial number in hex: ${quoted(text)}`)
}

/** Its issuer is among the trust anchors' CAs, or sent along in the file. */
async function identify(file: string, { tls }: Config): Promise<CertificateId> {
  const [certificate, ...chain] = await readCertificateChain(file)
  const anchors = await Promise.all(
    tls.clientCAs.map(async (ca) => parseCertificates(await readFile(ca.file, 'utf8'))),
  )
  const issuer = findIssuer(certificate, [...anchors.flat(), ...chain])
  if (issuer !== undefined) return describeCertificate(certificate, issuer)
  throw new AppError(
    'request-invalid',
    `${file}: no CA that this server trusts has issued it; if there are CAs in between, put them after it in the file`,
  )
}
