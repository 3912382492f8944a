import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Catalog, type RevokedCertificate } from '../catalog/catalog.ts'
import { AppError, isSystemError } from '../errors.ts'
import { type CertificateAuthority } from '../pki/certificate-authority.ts'
import { type Crl, parseCrls } from '../pki/crl.ts'
import { writeCertificateFile } from '../pki/key-store.ts'
import { hasFile } from '../ops/has-file.ts'
import { type BuiltInCa, type CaConfig, isCaKeyHere, openBuiltInCa } from './built-in-authority.ts'

const CRL_FILE = 'crl.pem'

/** Long enough for a monthly job to refresh it, short enough that a withheld one is noticed. */
export const CRL_DAYS = 35

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Brings `crl.pem` up to date after a revocation, for those who check revocation themselves, such as nginx: the server
 * reads the catalog. Where the CA's key is kept elsewhere, it cannot be signed here. Gives back what to tell the user.
 */
export async function publishCrl(config: CaConfig, catalog: Catalog, now: Date): Promise<readonly string[]> {
  if (!(await isCaKeyHere(config))) {
    return [
      `${CRL_FILE} was not written: the CA's key is not here. The server refuses the certificate all the same`,
    ]
  }
  try {
    return [await writeCrl(await openBuiltInCa(config, now), { certs: config.certs, catalog, now })]
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const message = `the certificate is revoked, but ${CRL_FILE} was not written: ${error.message}`
    throw new AppError(error.code, message, { cause: error })
  }
}

/** The same where there is such a file already: nobody else reads it. */
export async function refreshCrl(ca: BuiltInCa, deps: CrlDeps): Promise<readonly string[]> {
  return (await hasFile(crlFile(deps.certs))) ? [await writeCrl(ca, deps)] : []
}

export interface CrlDeps {
  readonly certs: string
  readonly catalog: Catalog
  readonly now: Date
  readonly days?: number
}

/**
 * Writes one list for each CA, and gives back the path. Another process may have revoked something meanwhile, and
 * written the file before this one does: so it is made again until nothing has changed around the write.
 */
export async function writeCrl(ca: BuiltInCa, deps: CrlDeps): Promise<string> {
  const file = crlFile(deps.certs)
  let revision: number
  do {
    revision = await deps.catalog.revocationRevision()
    const earlier = await readEarlier(file)
    const revoked = await deps.catalog.listRevoked()
    const lists = [ca.issuing, ca.retiring]
      .filter((authority) => authority !== undefined)
      .map((authority) => signList(authority, { ...deps, revoked, earlier }))
    await writeCertificateFile(file, [...lists, ...listsOfOthers(ca, earlier)].join(''), 'replace')
  } while (revision !== (await deps.catalog.revocationRevision()))
  return file
}

function crlFile(certs: string): string {
  return join(certs, CRL_FILE)
}

interface ListContents extends CrlDeps {
  readonly revoked: readonly RevokedCertificate[]
  readonly earlier: readonly Crl[]
}

function signList(
  authority: CertificateAuthority,
  { revoked, earlier, now, days = CRL_DAYS }: ListContents,
): string {
  const before = earlier.find((crl) => crl.verifiedBy(authority.certificate))
  return authority.signCrl({
    number: nextNumber(before, now),
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + days * DAY_MS),
    revoked: revoked.filter(
      (entry) => entry.issuerKey === authority.issuerKey && isStillOf(entry, before, now),
    ),
  })
}

/** Seconds, so that the numbers go on rising also when the earlier file is lost. */
function nextNumber(before: Crl | undefined, now: Date): bigint {
  const seconds = BigInt(Math.floor(now.getTime() / 1000))
  const least = (before?.number ?? 0n) + 1n
  return seconds > least ? seconds : least
}

/** RFC 5280, section 3.3: an entry stays until it has been on a list made after the certificate expired. */
function isStillOf({ notAfter }: RevokedCertificate, before: Crl | undefined, now: Date): boolean {
  if (notAfter === undefined || notAfter >= now) return true
  return before === undefined || before.thisUpdate <= notAfter
}

/** Of a retiring CA whose key is not here, the list stays as it is. */
function listsOfOthers(
  { certificates, issuing, retiring }: BuiltInCa,
  earlier: readonly Crl[],
): readonly string[] {
  const signedHere = [issuing.certificate, retiring?.certificate].map(
    (certificate) => certificate?.fingerprint256,
  )
  const others = certificates.filter(({ fingerprint256 }) => !signedHere.includes(fingerprint256))
  return earlier
    .filter((crl) => others.some((certificate) => crl.verifiedBy(certificate)))
    .map((crl) => crl.toPem())
}

async function readEarlier(file: string): Promise<readonly Crl[]> {
  try {
    return parseCrls(await readFile(file, 'utf8'))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}
