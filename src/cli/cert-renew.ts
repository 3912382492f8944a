import { createPublicKey, KeyObject, type X509Certificate } from 'node:crypto'
import { type Command } from 'commander'
import { type Catalog } from '../catalog/catalog.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { LEAF_DAYS } from '../pki/certificate-authority.ts'
import { describeCertificate, findIssuer } from '../pki/describe-certificate.ts'
import { createKeyPair, privateKeyPem } from '../pki/key-pair.ts'
import { readKeyFile, writeCertificateFile } from '../pki/key-store.ts'
import { parsePrivateKey } from '../pki/pem.ts'
import { hasFile } from '../ops/has-file.ts'
import { type BuiltInCa, openBuiltInCa } from './built-in-authority.ts'
import { readCertificateChain, readCertificateRequest } from './certificate-input.ts'
import { describeRevocation } from './certificate-state.ts'
import { clientBase, recordIssued, writeBundle, writeClientPair } from './client-files.ts'
import { cliActor, type CliContext } from './context.ts'
import { parseDays, withConfigOptions } from './options.ts'
import { publishCrl } from './revocation-list.ts'
import { withCatalog } from './with-catalog.ts'

interface RenewFlags extends ConfigFlags {
  readonly days?: number
  readonly keepKey?: true
  readonly csr?: string
  readonly revokeOld?: true
  readonly out?: string
}

export function addCertRenew(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('renew <name>'))
    .description('replace NAME.crt and NAME.key by a new pair with the same subject and names')
    .option('--days <n>', 'validity in days (default: as long as the old one was)', parseDays)
    .option('--keep-key', 'a new certificate for the key that is in use')
    .option('--csr <file>', 'a new certificate for the key of this certificate request')
    .option('--revoke-old', 'the old certificate stops working at once, instead of when it expires')
    .option('--out <dir>', 'folder of the files (default: clients in the certs folder)')
    .action(async (name: string, flags: RenewFlags) => {
      await renew(context, name, flags)
    })
}

async function renew(context: CliContext, name: string, flags: RenewFlags): Promise<void> {
  if (flags.keepKey === true && flags.csr !== undefined) {
    throw new AppError('request-invalid', '--keep-key and --csr name two keys: give one of them')
  }
  const config = await loadConfig(flags, context.environment)
  const ca = await openBuiltInCa(config, context.now())
  const base = clientBase(config.certs, name, flags.out)
  const [certificate] = await readCertificateChain(`${base}.crt`)
  const issuer = requireOurs(certificate, ca, `${base}.crt`)
  const key = await chooseKey(`${base}.key`, flags)
  const actor = cliActor(context)
  await withCatalog(config, async (catalog) => {
    const old = describeCertificate(certificate, issuer)
    await requireNotRevoked(old, catalog)
    const renewed = await ca.issuing.renewClient({
      certificate,
      publicKey: key.publicKey,
      now: actor.at,
      ...daysFor(certificate, issuer, flags.days),
    })
    await recordIssued({ catalog, actor }, renewed)
    const files = await writeRenewed(base, { ...key, certificatePem: renewed.certificatePem, name, ca })
    for (const file of files) context.print(file)
    if (flags.revokeOld !== true) return
    await catalog.revokeCertificate(old, 'superseded', actor)
    context.print(`revoked ${old.serial}`)
    for (const line of await publishCrl(config, catalog, actor.at)) context.print(line)
  })
}

function requireOurs(certificate: X509Certificate, ca: BuiltInCa, file: string): X509Certificate {
  const issuer = findIssuer(certificate, ca.certificates)
  if (issuer !== undefined) return issuer
  throw new AppError(
    'request-invalid',
    `${file} is not from the built-in CA: renew it where it came from, or issue another`,
  )
}

/** Whoever revoked it meant its owner to be out, and a renewal that runs by itself must not let him in again. */
async function requireNotRevoked(
  { issuerKey, serial, name }: { readonly issuerKey: string; readonly serial: string; readonly name: string },
  catalog: Catalog,
): Promise<void> {
  const revoked = (await catalog.listRevoked()).find(
    (entry) => entry.issuerKey === issuerKey && entry.serial === serial,
  )
  if (revoked === undefined) return
  throw new AppError(
    'request-invalid',
    `the certificate was revoked on ${describeRevocation(revoked)}, so it is not renewed; if ${name} may come ` +
      'back, move the old files away and use "chartroom cert issue"',
  )
}

/** One that had to end with its CA says nothing of how long it was meant to live. */
function daysFor(
  certificate: X509Certificate,
  issuer: X509Certificate,
  days: number | undefined,
): { readonly days?: number } {
  if (days !== undefined) return { days }
  return certificate.validTo === issuer.validTo ? { days: LEAF_DAYS } : {}
}

interface RenewalKey {
  readonly publicKey: KeyObject
  /** Only of a new one: any other is where it was. */
  readonly keyPem: string | undefined
}

async function chooseKey(file: string, { keepKey, csr }: RenewFlags): Promise<RenewalKey> {
  if (csr !== undefined) return { publicKey: await readCertificateRequest(csr), keyPem: undefined }
  if (keepKey === true) {
    return { publicKey: createPublicKey(parsePrivateKey(await readKeyFile(file))), keyPem: undefined }
  }
  if (!(await hasFile(file))) {
    throw new AppError(
      'request-invalid',
      `${file} is not here: the key was made elsewhere, so renew with a new --csr`,
    )
  }
  const { publicKey, privateKey } = await createKeyPair()
  return { publicKey: KeyObject.from(publicKey), keyPem: privateKeyPem(privateKey) }
}

interface Renewed {
  readonly name: string
  readonly certificatePem: string
  readonly keyPem: string | undefined
  readonly ca: BuiltInCa
}

/** A bundle that is there holds the old certificate, so it is made anew, with a new password. */
async function writeRenewed(
  base: string,
  { name, certificatePem, keyPem, ca }: Renewed,
): Promise<readonly string[]> {
  if (keyPem === undefined) await writeCertificateFile(`${base}.crt`, certificatePem, 'replace')
  else await writeClientPair(base, { certificatePem, keyPem }, 'replace')
  const files = [`${base}.crt`, ...(keyPem === undefined ? [] : [`${base}.key`])]
  if (!(await hasFile(`${base}.p12`)) || !(await hasFile(`${base}.key`))) return files
  const contents = {
    certificatePem,
    keyPem: await readKeyFile(`${base}.key`),
    caPem: ca.bundlePem,
    friendlyName: name,
  }
  return [...files, ...(await writeBundle(base, contents, 'replace'))]
}
