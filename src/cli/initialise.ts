import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'
import { createCertificateAuthority } from '../pki/certificate-authority.ts'
import { encryptPrivateKey } from '../pki/encrypt-key.ts'
import { writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import { readKeyring, readPassphrase } from '../app/signing-keys.ts'
import { generateSigningKey } from '../provenance/generate-signing-key.ts'
import { SigningKey } from '../provenance/signing-key.ts'
import { hasFile } from '../ops/has-file.ts'
import {
  type BuiltInCa,
  CA_CERTIFICATE,
  CA_KEY,
  openBuiltInCa,
  readCaPassphrase,
} from './built-in-authority.ts'
import { clientsFolder, issueClientFiles } from './client-files.ts'
import { CONFIG_TEMPLATE } from './config-template.ts'
import { defaultServerNames, issueServerPair } from './server-pair.ts'
import { writeKeyring } from './keyring-files.ts'

export interface InitialiseDeps {
  readonly catalog: Catalog
  readonly actor: Actor
  /** Told the path of each file as it is made. */
  readonly made: (file: string) => void
}

/** The administrator's client certificate. */
export const ADMINISTRATOR = { name: 'admin', unit: 'administrators' } as const

/** Writes the first configuration where there is none. */
export async function initialiseConfig(file: string, made: (file: string) => void): Promise<void> {
  if (await hasFile(file)) return
  await mkdir(dirname(file), { recursive: true })
  await writeCertificateFile(file, CONFIG_TEMPLATE)
  made(file)
}

/** Makes the keys and certificates that are missing and touches nothing that is there. */
export async function initialiseCerts(
  deps: InitialiseDeps,
  config: Config,
  names: readonly string[],
): Promise<void> {
  await mkdir(clientsFolder(config.certs), { recursive: true, mode: 0o700 })
  await initialiseSigningKey(deps, config)
  await initialiseAuthority(deps, config)
  const needsServer = !(await hasFile(config.tls.certificate))
  const needsAdministrator = !(await hasFile(join(clientsFolder(config.certs), `${ADMINISTRATOR.name}.crt`)))
  // Where the operator keeps the CA's key elsewhere, or has brought another CA, nothing can be issued here. Where nothing
  // is missing, nobody has to unlock it.
  if (!(await hasFile(join(config.certs, CA_KEY))) || !(needsServer || needsAdministrator)) return
  const ca = await openBuiltInCa(config, deps.actor.at)
  if (needsServer) await initialiseServer(deps, ca, config, names)
  if (needsAdministrator) await initialiseAdministrator(deps, ca, config)
}

async function initialiseAuthority({ actor, made }: InitialiseDeps, { certs, ca }: Config): Promise<void> {
  const certificateFile = join(certs, CA_CERTIFICATE)
  if (await hasFile(certificateFile)) return
  const keyFile = join(certs, CA_KEY)
  const passphrase = await readCaPassphrase(ca)
  const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now: actor.at })
  await writeKeyFile(
    keyFile,
    passphrase === undefined ? pair.keyPem : await encryptPrivateKey(pair.keyPem, passphrase),
  )
  await writeCertificateFile(certificateFile, pair.certificatePem)
  made(certificateFile)
  made(keyFile)
}

async function initialiseServer(
  { actor, made }: InitialiseDeps,
  ca: BuiltInCa,
  { tls }: Config,
  names: readonly string[],
): Promise<void> {
  const allNames = [...new Set([...defaultServerNames(), ...names])]
  const request = { names: allNames, now: actor.at, onExisting: 'refuse' } as const
  const files = await issueServerPair(ca.retiring ?? ca.issuing, tls, request)
  files.forEach(made)
}

async function initialiseAdministrator(
  deps: InitialiseDeps,
  ca: BuiltInCa,
  { certs }: Config,
): Promise<void> {
  const { name, unit } = ADMINISTRATOR
  const request = { name, organizations: [], units: [unit], bundle: 'pkcs12' } as const
  const files = await issueClientFiles({ ...deps, ca }, certs, request)
  files.forEach(deps.made)
}

async function initialiseSigningKey(
  { actor, made }: InitialiseDeps,
  { signing, url }: Config,
): Promise<void> {
  if (signing.key === undefined || (await hasFile(signing.key))) return
  const passphrase = await readPassphrase(signing)
  const secret = passphrase === undefined ? {} : { passphrase }
  const userId = `Chartroom <chartroom@${new URL(url).hostname}>`
  const armored = await generateSigningKey({ userId, now: actor.at, ...secret })
  const key = await SigningKey.open({ armored, ...secret })
  const older = await readKeyring(signing.keyring, 'optional')
  const keyring = key.publicKeyring.merge(older)
  await writeKeyFile(signing.key, armored)
  for (const file of [signing.key, ...(await writeKeyring(signing.keyring, keyring))]) made(file)
}
