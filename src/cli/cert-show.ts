import { type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Command } from 'commander'
import { type Catalog, type CertificateId } from '../catalog/catalog.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { describeCertificate, findIssuer } from '../pki/describe-certificate.ts'
import { parseCertificates } from '../pki/pem.ts'
import { identityFrom } from '../policy/certificate-identity.ts'
import { auditNameOf } from '../policy/identity.ts'
import { asciiOnly } from '../text.ts'
import { readCertificateChain } from './certificate-input.ts'
import { describeRevocation } from './certificate-state.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { withCatalogIfAny } from './with-catalog.ts'

export function addCertShow(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('show <file>'))
    .description('what a PEM certificate says, who Chartroom takes it for, and whether it gets in')
    .action(async (file: string, flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const [certificate, ...chain] = await readCertificateChain(file)
      const origin = traceOrigin(certificate, chain, await readAnchors(config))
      const status = await withCatalogIfAny(config, (catalog) => statusOf(certificate, origin, catalog))
      const lines = [
        ...describe(certificate, context.now()),
        ...describeIdentity(certificate, origin),
        status,
      ]
      for (const line of lines) context.print(asciiOnly(line))
    })
}

interface Anchor {
  readonly name: string
  readonly certificates: readonly X509Certificate[]
}

/** By whom a certificate was signed, and to which trust anchor that leads. */
interface Origin {
  readonly issuer: X509Certificate | undefined
  readonly anchor: string | undefined
}

/** A file that cannot be read leads nowhere: this command only looks. */
async function readAnchors({ tls }: Config): Promise<readonly Anchor[]> {
  return Promise.all(
    tls.clientCAs.map(async ({ name, file }) => ({
      name,
      certificates: await readFile(file, 'utf8').then(parseCertificates, () => []),
    })),
  )
}

/** As a chain is followed in TLS, but no further than there are certificates sent along. */
function traceOrigin(
  certificate: X509Certificate,
  chain: readonly X509Certificate[],
  anchors: readonly Anchor[],
): Origin {
  for (const { name, certificates } of anchors) {
    const issuer = findIssuer(certificate, certificates)
    if (issuer !== undefined) return { issuer, anchor: name }
  }
  const [next, ...others] = chain
  if (next === undefined || findIssuer(certificate, [next]) === undefined) {
    return { issuer: undefined, anchor: undefined }
  }
  return { issuer: next, anchor: traceOrigin(next, others, anchors).anchor }
}

function describe(certificate: X509Certificate, now: Date): readonly string[] {
  const { subject, serial, altNames, notBefore, notAfter } = describeCertificate(certificate, certificate)
  return [
    `subject:      ${subject}`,
    `names:        ${altNames.join(', ') || 'none'}`,
    `issuer:       ${certificate.issuer.replaceAll('\n', ', ')}`,
    `serial:       ${serial}`,
    `not before:   ${notBefore.toISOString()}`,
    `not after:    ${notAfter.toISOString()}${now > notAfter ? ' (expired)' : ''}`,
    `fingerprint:  ${certificate.fingerprint256.replaceAll(':', '').toLowerCase()} (SHA-256)`,
  ]
}

function describeIdentity(certificate: X509Certificate, { anchor }: Origin): readonly string[] {
  if (anchor === undefined) return ['identity:     none: no trust anchor has signed it']
  try {
    const identity = identityFrom(certificate, anchor)
    return [
      `identity:     ${auditNameOf(identity)}`,
      `organization: ${identity.organizations.join(', ') || 'none'}`,
      `unit:         ${identity.organizationalUnits.join(', ') || 'none'}`,
    ]
  } catch (error) {
    if (error instanceof AppError) return [`identity:     none: ${error.message}`]
    throw error
  }
}

async function statusOf(
  certificate: X509Certificate,
  { issuer }: Origin,
  catalog: Catalog | undefined,
): Promise<string> {
  if (catalog === undefined) return 'status:       not known: there is no catalog here'
  if (issuer === undefined) return 'status:       not known: nobody known here issued it'
  const { issuerKey, serial } = describeCertificate(certificate, issuer)
  return `status:       ${await describeStatus({ issuerKey, serial }, catalog)}`
}

async function describeStatus(id: CertificateId, catalog: Catalog): Promise<string> {
  const isSame = ({ issuerKey, serial }: CertificateId): boolean =>
    issuerKey === id.issuerKey && serial === id.serial
  const revoked = (await catalog.listRevoked()).find(isSame)
  if (revoked !== undefined) return `revoked on ${describeRevocation(revoked)}`
  const known = (await catalog.findCertificates({ serial: id.serial })).find(isSame)
  if (known === undefined) return 'not revoked, and not recorded here'
  const seen = known.lastSeenAt === undefined ? 'never seen' : `last seen ${known.lastSeenAt.toISOString()}`
  return `not revoked, recorded here, ${seen}`
}
