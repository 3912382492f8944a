import { type Keyring } from '../provenance/keyring.ts'
import { type RepositorySettings, type SettingsOf } from '../repository/settings.ts'
import { type MirrorUpstreamSettings } from './mirror.ts'

type Verify = MirrorUpstreamSettings['verify']

/** `settingsOf` has the rules for a repository's own publishers; of an upstream's files, the upstream's settings decide. */
export function settingsForUpstream(settingsOf: SettingsOf, verify: Verify, keyring: Keyring): SettingsOf {
  return (repository) => ({
    ...settingsOf(repository),
    ...RULES[verify],
    trustedKeyring: keyring,
    overwrite: 'never',
    tombstones: 'keep',
  })
}

const RULES = {
  off: { unknownSigner: 'countersign', provenance: 'optional' },
  'when-present': { unknownSigner: 'refuse', provenance: 'optional' },
  required: { unknownSigner: 'refuse', provenance: 'required' },
} as const satisfies Record<Verify, Pick<RepositorySettings, 'unknownSigner' | 'provenance'>>
