import { type Command } from 'commander'
import {
  keyNameOf,
  readArmoredKey,
  readKeyring,
  signingSections,
  type SigningSection,
} from '../app/signing-keys.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type KeyDescription } from '../provenance/key-description.ts'
import { Keyring } from '../provenance/keyring.ts'
import { readPublicPart } from '../provenance/retired-key.ts'
import { type CliContext } from './context.ts'
import { parseRepositoryArgument, sectionOf } from './key-section.ts'
import { withConfigOptions } from './options.ts'

interface ShowFlags extends ConfigFlags {
  readonly repository?: RepositoryName
}

export function addKeyShow(key: Command, context: CliContext): void {
  withConfigOptions(key.command('show'))
    .description('print the signing keys, and the public keys that are handed out with them')
    .option('--repository <name>', "only this repository's own key", parseRepositoryArgument)
    .action(async ({ repository, ...flags }: ShowFlags) => {
      const config = await loadConfig(flags, context.environment)
      const sections = repository === undefined ? signingSections(config) : [sectionOf(config, repository)]
      for (const section of sections) await show(section, context)
    })
}

/** Needs no passphrase, and shows a key also when nothing can be signed with it any more. */
async function show(section: SigningSection, { now, print }: CliContext): Promise<void> {
  const { keyring: file } = section.signing
  const { keyring } = await readPublicPart(await readArmoredKey(section), now())
  const ring = file === undefined ? Keyring.empty() : await readKeyring(file, 'optional')
  print(section.owner)
  // What is handed out knows of a revocation that the private key's file does not.
  const own = (await keyring.combine(ring)).only(keyring)
  for (const key of await own.describe(now())) for (const line of describeOwn(key)) print(`  ${line}`)
  print(`  key          ${keyNameOf(section)}`)
  print(`  keyring      ${file ?? 'none: only the key above is handed out'}`)
  for (const { fingerprint, state, userIds } of await ring.without(keyring).describe(now())) {
    print(`               ${[fingerprint, state, ...userIds].join('  ')}`)
  }
}

function describeOwn(key: KeyDescription): readonly string[] {
  return [
    `fingerprint  ${key.fingerprint}`,
    `user id      ${key.userIds.join(', ')}`,
    `algorithm    ${key.algorithm}`,
    `created      ${key.createdAt.toISOString()}`,
    `expires      ${key.expiresAt?.toISOString() ?? 'never'}`,
    `state        ${key.state}`,
  ]
}
