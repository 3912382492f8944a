import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command } from 'commander'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { createCertificateAuthority } from '../pki/certificate-authority.ts'
import { describeCertificate } from '../pki/describe-certificate.ts'
import { encryptPrivateKey } from '../pki/encrypt-key.ts'
import { writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import {
  type BuiltInCa,
  CA_CERTIFICATE,
  CA_KEY,
  CA_OLD_KEY,
  openBuiltInCa,
  readCaPassphrase,
} from './built-in-authority.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { refreshCrl } from './revocation-list.ts'
import { withCatalog } from './with-catalog.ts'

export function addCaRotate(ca: Command, context: CliContext): void {
  withConfigOptions(ca.command('rotate'))
    .description('make a new CA beside the old one; both are trusted until "ca retire"')
    .option('--name <cn>', 'common name of the new CA (default: Chartroom CA and the time)')
    .action(async ({ name, ...flags }: ConfigFlags & { readonly name?: string }) => {
      await rotate(context, await loadConfig(flags, context.environment), name)
    })
}

async function rotate(context: CliContext, config: Config, name: string | undefined): Promise<void> {
  const now = context.now()
  const before = await openBuiltInCa(config, now)
  const commonName = name ?? `Chartroom CA ${now.toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length)}Z`
  requireRotatable(before, commonName)
  for (const file of await writeNewCa(config, before, { commonName, now })) context.print(`wrote ${file}`)
  const after = await openBuiltInCa(config, now)
  const { certs } = config
  for (const file of await withCatalog(config, (catalog) => refreshCrl(after, { certs, catalog, now }))) {
    context.print(`wrote ${file}`)
  }
  context.print(NEXT_STEPS)
}

const NEXT_STEPS = `
New client certificates are now from the new CA, and the server takes those of both. Before "chartroom ca retire":
  1. give every client the new ca.crt: it holds both CAs
  2. renew every client certificate: chartroom cert renew NAME`

function requireRotatable({ certificates, issuing }: BuiltInCa, commonName: string): void {
  if (certificates.length > 1) {
    throw new AppError(
      'request-invalid',
      `${CA_CERTIFICATE} holds two CAs already: finish that rotation with "chartroom ca retire"`,
    )
  }
  // OpenSSL looks for an issuer, and for its CRL, by name first.
  if (describeCertificate(issuing.certificate, issuing.certificate).name === commonName) {
    throw new AppError(
      'request-invalid',
      'the new CA needs another name than the old one: give it with --name',
    )
  }
}

/**
 * The new key comes last: a crash before it leaves the old CA issuing, beside a certificate whose key nobody has, and
 * `ca retire` then drops that one.
 */
async function writeNewCa(
  config: Config,
  before: BuiltInCa,
  request: { readonly commonName: string; readonly now: Date },
): Promise<readonly string[]> {
  const certificateFile = join(config.certs, CA_CERTIFICATE)
  const keyFile = join(config.certs, CA_KEY)
  const oldKeyFile = join(config.certs, CA_OLD_KEY)
  const passphrase = await readCaPassphrase(config.ca)
  const pair = await createCertificateAuthority(request)
  const keyPem = passphrase === undefined ? pair.keyPem : await encryptPrivateKey(pair.keyPem, passphrase)
  await writeKeyFile(oldKeyFile, await readFile(keyFile, 'utf8'), 'replace')
  await writeCertificateFile(certificateFile, pair.certificatePem + before.bundlePem, 'replace')
  await writeKeyFile(keyFile, keyPem, 'replace')
  return [certificateFile, keyFile, oldKeyFile]
}
