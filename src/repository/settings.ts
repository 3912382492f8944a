import { type Quota } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { Keyring } from '../provenance/keyring.ts'
import { type SigningKey } from '../provenance/signing-key.ts'
import { type Retention } from './retention.ts'

/** What the operator has decided for one repository. */
export interface RepositorySettings {
  /**
   * Whether a version may change its content, by an identity that holds `overwrite`: not at all, when the request says
   * so explicitly (`?force`), or whenever other content is published.
   */
  readonly overwrite: 'never' | 'forced' | 'always'
  /** Whether other content may be published under the name of a deleted version. */
  readonly tombstones: 'keep' | 'release'
  readonly signingKey: SigningKey
  /** What is handed out for `helm --keyring`: every key that a served signature of ours may be by. */
  readonly publicKeyring: Keyring
  /** Whose signatures on provenance files are checked. */
  readonly trustedKeyring: Keyring
  /** What becomes of a provenance file that nobody in `trustedKeyring` has signed. */
  readonly unknownSigner: 'countersign' | 'refuse'
  /** Whether a chart may come without a provenance file. */
  readonly provenance: 'optional' | 'required'
  /** `read-only`: nothing is published or deleted, whoever asks. */
  readonly access: 'read-write' | 'read-only'
  readonly quota?: Quota
  /** What `chartroom retain` keeps; everything, unless given. */
  readonly retention?: Retention
  /** The repository's ID at Artifact Hub. */
  readonly artifactHubId?: string
  /** Whether it has its charts from upstreams, and takes no uploads. */
  readonly isMirror?: true
  /** Its members in their order, where it is virtual: it holds nothing itself. */
  readonly virtual?: readonly RepositoryName[]
}

export type SettingsOf = (repository: RepositoryName) => RepositorySettings

/** What is handed out for charts of all these repositories. */
export function publicKeyringOf(settingsOf: SettingsOf, repositories: readonly RepositoryName[]): Keyring {
  return repositories
    .map((repository) => settingsOf(repository).publicKeyring)
    .reduce((all, own) => all.merge(own), Keyring.empty())
}
