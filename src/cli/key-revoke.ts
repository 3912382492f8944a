import { basename, join } from 'node:path'
import { type Command, Option } from 'commander'
import {
  keyNameOf,
  readArmoredKey,
  readKeyring,
  readPassphrase,
  signingSections,
  type SigningSection,
} from '../app/signing-keys.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError, isSystemError } from '../errors.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { type KeyDescription } from '../provenance/key-description.ts'
import { type Keyring } from '../provenance/keyring.ts'
import {
  makeRevocationCertificate,
  readPublicPart,
  type RevocationReason,
} from '../provenance/retired-key.ts'
import { cliActor, type CliContext } from './context.ts'
import { archivedKeyFile, requireReplaceable, revocationFile } from './key-files.ts'
import { parseFingerprint } from './key-section.ts'
import { writeKeyring } from './keyring-files.ts'
import { withConfigOptions } from './options.ts'
import { withCatalog } from './with-catalog.ts'

interface RevokeFlags extends ConfigFlags {
  readonly reason: RevocationReason
  readonly with?: string
  readonly passphraseFile?: string
  readonly out?: string
}

export function addKeyRevoke(key: Command, context: CliContext): void {
  withConfigOptions(key.command('revoke'))
    .argument('<fingerprint>', 'of an older key', parseFingerprint)
    .description('mark an older key as revoked in the keyring: Helm then refuses whatever it has signed')
    .addOption(
      new Option('--reason <reason>', 'what gpg tells people')
        .choices(['compromised', 'superseded'])
        .default('compromised'),
    )
    .option('--with <file>', 'its private key or its revocation certificate, where "key rotate" kept neither')
    .option('--passphrase-file <file>', 'what unlocks that private key (default: as the key in force)')
    .option('--out <dir>', 'change nothing, write the new keyring here: for one in a Secret')
    .action(async (fingerprint: string, flags: RevokeFlags) => {
      await revoke(context, await loadConfig(flags, context.environment), fingerprint, flags)
    })
}

async function revoke(
  context: CliContext,
  config: Config,
  fingerprint: string,
  flags: RevokeFlags,
): Promise<void> {
  const sections = signingSections(config)
  for (const section of sections) await requireOlder(section, fingerprint, context.now())
  const rings = await findRings(sections, fingerprint, context.now())
  if (rings.length === 0) {
    context.print(`${fingerprint} is revoked already`)
    return
  }
  const certificate = await findCertificate(context, sections, fingerprint, flags)
  for (const { file, keyring } of rings) {
    const revoked = await keyring.revoke(certificate, context.now())
    const written =
      flags.out === undefined
        ? await putInPlace(context, config, { file, keyring: revoked }, fingerprint)
        : await writeKeyring(join(flags.out, basename(file)), revoked)
    for (const name of written) context.print(`wrote ${name}`)
  }
  if (flags.out !== undefined) context.print('nothing is changed yet: put the keyring in place')
  else context.print(`${fingerprint} is revoked: what it has signed no longer verifies`)
}

/** To revoke what is signed with would make every version unverifiable. */
async function requireOlder(section: SigningSection, fingerprint: string, now: Date): Promise<void> {
  const { description } = await readPublicPart(await readArmoredKey(section), now)
  if (description.fingerprint !== fingerprint) return
  throw new AppError(
    'request-invalid',
    `${section.owner} signs with this key (${keyNameOf(section)}): run "chartroom key rotate" and "key resign" first`,
  )
}

interface Ring {
  readonly file: string
  readonly keyring: Keyring
}

/** Those in which it is still to be revoked. Throws `request-invalid` when none has it at all. */
async function findRings(
  sections: readonly SigningSection[],
  fingerprint: string,
  now: Date,
): Promise<readonly Ring[]> {
  const files = new Set(sections.flatMap(({ signing }) => signing.keyring ?? []))
  const rings: (Ring & { readonly state: KeyDescription['state'] })[] = []
  for (const file of files) {
    const keyring = await readKeyring(file, 'optional')
    const known = await keyring.only({ fingerprints: [fingerprint] }).describe(now)
    rings.push(...known.map(({ state }) => ({ file, keyring, state })))
  }
  if (rings.length > 0) return rings.filter(({ state }) => state !== 'revoked')
  throw new AppError(
    'request-invalid',
    `no keyring has the key ${fingerprint}; "chartroom key show" lists them`,
  )
}

async function findCertificate(
  context: CliContext,
  sections: readonly SigningSection[],
  fingerprint: string,
  flags: RevokeFlags,
): Promise<string> {
  for (const { file, section } of candidates(sections, fingerprint, flags)) {
    const text = await findKeyFile(file)
    if (text === undefined) continue
    if (!text.includes('PRIVATE KEY BLOCK')) return text
    const passphrase = await readPassphrase(flags.passphraseFile === undefined ? section.signing : flags)
    const secret = passphrase === undefined ? {} : { passphrase }
    return makeRevocationCertificate({ armored: text, ...secret }, flags.reason, context.now())
  }
  throw new AppError(
    'request-invalid',
    `neither the private key of ${fingerprint} nor a revocation certificate is here: --with FILE says where`,
  )
}

interface Candidate {
  readonly file: string
  readonly section: SigningSection
}

function candidates(
  sections: readonly SigningSection[],
  fingerprint: string,
  flags: RevokeFlags,
): readonly Candidate[] {
  return sections.flatMap((section) => {
    const { key } = section.signing
    const kept =
      key === undefined ? [] : [archivedKeyFile(key, fingerprint), revocationFile(key, fingerprint)]
    return (flags.with === undefined ? kept : [flags.with]).map((file) => ({ file, section }))
  })
}

async function findKeyFile(file: string): Promise<string | undefined> {
  try {
    return await readKeyFile(file)
  } catch (error) {
    if (error instanceof AppError && isSystemError(error.cause, 'ENOENT')) return undefined
    throw error
  }
}

/** Recorded before it is done: a revocation that nobody knows of would be worse than one that failed after all. */
async function putInPlace(
  context: CliContext,
  config: Config,
  { file, keyring }: Ring,
  fingerprint: string,
): Promise<readonly string[]> {
  await requireReplaceable(file)
  const detail = `signing key ${fingerprint} revoked in ${basename(file)}`
  await withCatalog(config, (catalog) =>
    catalog.appendAudit({ ...cliActor(context), action: 'admin', outcome: 'done', detail }),
  )
  return writeKeyring(file, keyring)
}
