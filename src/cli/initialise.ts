import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'
import { CertificateAuthority, createCertificateAuthority } from '../pki/certificate-authority.ts'
import { writeCertificateFile, writeKeyFile } from '../pki/key-store.ts'
import { readKeyring, readPassphrase } from '../app/repository-settings.ts'
import { generateSigningKey } from '../provenance/generate-signing-key.ts'
import { SigningKey } from '../provenance/signing-key.ts'
import { CA_CERTIFICATE, CA_KEY, openBuiltInAuthority } from './built-in-authority.ts'
import { clientsFolder, issueClientFiles } from './client-files.ts'
import { CONFIG_TEMPLATE } from './config-template.ts'

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
  if (await exists(file)) return
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
  const authority = await initialiseAuthority(deps, config.certs)
  if (authority === undefined) return
  await initialiseServer(deps, authority, config, names)
  if (!(await exists(join(clientsFolder(config.certs), `${ADMINISTRATOR.name}.crt`)))) {
    const request = { name: ADMINISTRATOR.name, organizations: [], units: [ADMINISTRATOR.unit] }
    const files = await issueClientFiles({ ...deps, authority }, config.certs, {
      ...request,
      bundle: 'pkcs12',
    })
    files.forEach(deps.made)
  }
}

/** `undefined` where the operator has brought a CA without its key: then nothing can be issued here. */
async function initialiseAuthority(
  { actor, made }: InitialiseDeps,
  certs: string,
): Promise<CertificateAuthority | undefined> {
  const certificateFile = join(certs, CA_CERTIFICATE)
  const keyFile = join(certs, CA_KEY)
  if (await exists(certificateFile)) {
    return (await exists(keyFile)) ? openBuiltInAuthority(certs, actor.at) : undefined
  }
  const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now: actor.at })
  await writeKeyFile(keyFile, pair.keyPem)
  await writeCertificateFile(certificateFile, pair.certificatePem)
  made(certificateFile)
  made(keyFile)
  return CertificateAuthority.open(pair, actor.at)
}

async function initialiseServer(
  { actor, made }: InitialiseDeps,
  authority: CertificateAuthority,
  { tls }: Config,
  names: readonly string[],
): Promise<void> {
  if (await exists(tls.certificate)) return
  const allNames = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...names])]
  const pair = await authority.issueServer({ names: allNames, now: actor.at })
  await writeKeyFile(tls.key, pair.keyPem)
  await writeCertificateFile(tls.certificate, pair.certificatePem)
  made(tls.certificate)
  made(tls.key)
}

async function initialiseSigningKey(
  { actor, made }: InitialiseDeps,
  { signing, url }: Config,
): Promise<void> {
  if (await exists(signing.key)) return
  const passphrase = await readPassphrase(signing)
  const secret = passphrase === undefined ? {} : { passphrase }
  const userId = `Chartroom <chartroom@${new URL(url).hostname}>`
  const armored = await generateSigningKey({ userId, now: actor.at, ...secret })
  const key = await SigningKey.open({ armored, ...secret })
  const older = await readKeyring(signing.keyring, 'optional')
  const keyring = key.publicKeyring.merge(older)
  await writeKeyFile(signing.key, armored)
  await writeCertificateFile(signing.keyring, keyring.toBinary(), 'replace')
  const armoredKeyring = `${signing.keyring.replace(/\.gpg$/, '')}.asc`
  await writeCertificateFile(armoredKeyring, keyring.toArmored(), 'replace')
  for (const file of [signing.key, signing.keyring, armoredKeyring]) made(file)
}

async function exists(file: string): Promise<boolean> {
  return access(file, constants.F_OK).then(
    () => true,
    () => false,
  )
}
