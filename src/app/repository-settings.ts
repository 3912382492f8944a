import { present } from '../chart/present.ts'
import { type Config, type RepositoryEntry } from '../config/load.ts'
import { Keyring } from '../provenance/keyring.ts'
import { type RepositorySettings, type SettingsOf } from '../repository/settings.ts'
import { lookUpEntries, type Entry } from './repository-entries.ts'
import { openSigning, ownSigningSection, readKeyring, serverSigningSection } from './signing-keys.ts'

/** Opens the signing keys and the keyrings. Throws `key-unusable`, naming the file. */
export async function readRepositorySettings(config: Config): Promise<SettingsOf> {
  const trusted = config.provenance.trustedKeyring
  const common: RepositorySettings = {
    overwrite: config.overwrite,
    tombstones: config.tombstones,
    ...(await openSigning(serverSigningSection(config))),
    trustedKeyring: trusted === undefined ? Keyring.empty() : await readKeyring(trusted, 'required'),
    unknownSigner: config.provenance.unknownSigner,
    provenance: config.provenance.required ? 'required' : 'optional',
    access: config.readOnly ? 'read-only' : 'read-write',
    ...(config.quota !== undefined && { quota: config.quota }),
  }
  const entries: Entry<RepositorySettings>[] = []
  for (const [place, entry] of config.repositories.entries()) {
    entries.push({ name: entry.name, value: await readEntry(entry, place, common) })
  }
  const entryOf = lookUpEntries(entries)
  return (name) => entryOf(name) ?? common
}

/** What an entry under `repositories` decides, and the rest as for the whole server. */
async function readEntry(
  entry: RepositoryEntry,
  place: number,
  common: RepositorySettings,
): Promise<RepositorySettings> {
  const { provenance = {}, readOnly } = entry
  const { trustedKeyring, unknownSigner, required } = provenance
  const signing = ownSigningSection(entry, place)
  return {
    ...common,
    ...(signing !== undefined && (await openSigning(signing))),
    ...asTheyAre(entry),
    ...(entry.mirror !== undefined && { isMirror: true as const }),
    ...(trustedKeyring !== undefined && { trustedKeyring: await readKeyring(trustedKeyring, 'required') }),
    ...(unknownSigner !== undefined && { unknownSigner }),
    ...(required !== undefined && { provenance: required ? 'required' : 'optional' }),
    ...(readOnly !== undefined && { access: readOnly ? 'read-only' : 'read-write' }),
  }
}

function asTheyAre({
  overwrite,
  tombstones,
  quota,
  retention,
  artifactHubId,
  virtual,
}: RepositoryEntry): Partial<RepositorySettings> {
  return present({ overwrite, tombstones, quota, retention, artifactHubId, virtual })
}
