import { basename, join } from 'node:path'
import { type Command } from 'commander'
import { readArmoredKey, readKeyring, readPassphrase, type SigningSection } from '../app/signing-keys.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError, isSystemError } from '../errors.ts'
import { readKeyFile, writeKeyFile } from '../pki/key-store.ts'
import { generateSigningKey } from '../provenance/generate-signing-key.ts'
import { type Keyring } from '../provenance/keyring.ts'
import { makeRevocationCertificate, readPublicPart, type PublicPart } from '../provenance/retired-key.ts'
import { SigningKey } from '../provenance/signing-key.ts'
import { quoted } from '../text.ts'
import { cliActor, type CliContext } from './context.ts'
import { archivedKeyFile, keepKeyFile, requireReplaceable, revocationFile } from './key-files.ts'
import { parseRepositoryArgument, sectionOf } from './key-section.ts'
import { writeKeyring } from './keyring-files.ts'
import { withConfigOptions } from './options.ts'
import { withCatalog } from './with-catalog.ts'

interface RotateFlags extends ConfigFlags {
  readonly userId?: string
  readonly repository?: RepositoryName
  readonly discardOld?: true
  readonly out?: string
}

export function addKeyRotate(key: Command, context: CliContext): void {
  withConfigOptions(key.command('rotate'))
    .description('sign with a new key from now on; what the old one has signed still verifies')
    .option(
      '--user-id <id>',
      "whom the key names, as 'Charts <charts@example.com>' (default: as the old one)",
    )
    .option('--repository <name>', "this repository's own key", parseRepositoryArgument)
    .option('--discard-old', 'destroy the old private key; what can revoke it is kept')
    .option(
      '--out <dir>',
      'change nothing, write the new files here: for keys in a Secret or the environment',
    )
    .action(async (flags: RotateFlags) => {
      const config = await loadConfig(flags, context.environment)
      const section = sectionOf(config, flags.repository)
      const rotation = await prepare(context, section, userIdFor(config, flags))
      if (flags.out === undefined) await putInPlace(context, config, rotation, flags)
      else await writeElsewhere(context, rotation, flags.out)
    })
}

interface Rotation {
  readonly section: SigningSection
  readonly keyringFile: string
  /** Absent where there is none yet. */
  readonly old: OldKey | undefined
  readonly passphrase: { readonly passphrase?: string }
  readonly armored: string
  readonly fingerprint: string
  /** The new key, and all that were handed out before. */
  readonly keyring: Keyring
}

interface OldKey extends PublicPart {
  readonly armored: string
}

async function prepare(
  { now }: CliContext,
  section: SigningSection,
  userIdOf: (old: OldKey | undefined) => string,
): Promise<Rotation> {
  const { keyring: keyringFile } = section.signing
  if (keyringFile === undefined) {
    throw new AppError(
      'request-invalid',
      `${section.owner} has no keyring, and without one nobody could verify what the old key has signed: set ${section.path}.keyring`,
    )
  }
  const old = await findOldKey(section, now())
  const secret = await readPassphrase(section.signing)
  const passphrase = secret === undefined ? {} : { passphrase: secret }
  const armored = await generateSigningKey({ userId: userIdOf(old), now: now(), ...passphrase })
  const { fingerprint, publicKeyring } = await SigningKey.open({ armored, now, ...passphrase })
  const ring = await readKeyring(keyringFile, 'optional')
  const older = old === undefined ? ring : await ring.combine(old.keyring)
  return { section, keyringFile, old, passphrase, armored, fingerprint, keyring: publicKeyring.merge(older) }
}

/** It may be expired, locked or revoked: it is to go. */
async function findOldKey(section: SigningSection, now: Date): Promise<OldKey | undefined> {
  try {
    const armored = await readArmoredKey(section)
    return { armored, ...(await readPublicPart(armored, now)) }
  } catch (error) {
    if (error instanceof AppError && isSystemError(error.cause, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * At every moment the private key in force has its public one in the keyring, and no secret exists in one place only
 * that is about to be overwritten: first the old key is kept, then both public keys are handed out, then the new
 * private key takes the old one's place.
 */
async function putInPlace(
  context: CliContext,
  config: Config,
  rotation: Rotation,
  { discardOld }: RotateFlags,
): Promise<void> {
  const { section, keyringFile, old, armored } = rotation
  const { key } = section.signing
  if (key === undefined) {
    throw new AppError(
      'request-invalid',
      `the key is given as ${section.path}.keyData: --out DIR writes the new files, for you to put in place`,
    )
  }
  for (const file of [key, keyringFile]) await requireReplaceable(file)
  if (old !== undefined) await keepOld(context, rotation, { ...old, key, discard: discardOld === true })
  const keyringFiles = await writeKeyring(keyringFile, rotation.keyring)
  await audit(context, config, rotation)
  if (old === undefined) await writeKeyFile(key, armored)
  else await replaceKey(key, old.armored, armored)
  for (const file of [key, ...keyringFiles]) context.print(`wrote ${file}`)
  context.print(`${section.owner} signs with ${rotation.fingerprint} from now on`)
}

async function keepOld(
  context: CliContext,
  rotation: Rotation,
  { key, description, armored, discard }: OldKey & { readonly key: string; readonly discard: boolean },
): Promise<void> {
  const { fingerprint } = description
  const file = discard ? revocationFile(key, fingerprint) : archivedKeyFile(key, fingerprint)
  if (discard) await writeKeyFile(file, await revocationOf(context, rotation, armored), 'replace')
  else await keepKeyFile(file, armored)
  context.print(`wrote ${file}`)
}

/** Unless another run was faster, whose key would be lost. */
async function replaceKey(key: string, old: string, armored: string): Promise<void> {
  if ((await readKeyFile(key)) !== old) {
    throw new AppError('request-invalid', `${quoted(key)} was changing meanwhile; nothing is replaced`)
  }
  await writeKeyFile(key, armored, 'replace')
}

async function writeElsewhere(context: CliContext, rotation: Rotation, directory: string): Promise<void> {
  const { section, old, armored } = rotation
  const key = join(directory, basename(section.signing.key ?? 'provenance.key.asc'))
  await writeKeyFile(key, armored)
  const files = [key]
  if (old !== undefined) {
    // The old key is overwritten by whoever puts these in place.
    const file = revocationFile(key, old.description.fingerprint)
    await writeKeyFile(file, await revocationOf(context, rotation, old.armored))
    files.push(file)
  }
  files.push(...(await writeKeyring(join(directory, basename(rotation.keyringFile)), rotation.keyring)))
  for (const file of files) context.print(`wrote ${file}`)
  context.print(
    `nothing is changed yet: put the keyring in place first, then the key ${rotation.fingerprint}`,
  )
}

async function revocationOf({ now }: CliContext, { passphrase }: Rotation, armored: string): Promise<string> {
  return makeRevocationCertificate({ armored, ...passphrase }, 'compromised', now())
}

/** Before it is done: a rotation that nobody knows of would be worse than one that failed after all. */
async function audit(
  context: CliContext,
  config: Config,
  { section, old, fingerprint }: Rotation,
): Promise<void> {
  const detail = `signing key of ${section.owner}: ${fingerprint} instead of ${old?.description.fingerprint ?? 'none'}`
  await withCatalog(config, (catalog) =>
    catalog.appendAudit({ ...cliActor(context), action: 'admin', outcome: 'done', detail }),
  )
}

function userIdFor({ url }: Config, { userId }: RotateFlags): (old: OldKey | undefined) => string {
  return (old) => userId ?? old?.description.userIds[0] ?? `Chartroom <chartroom@${new URL(url).hostname}>`
}
