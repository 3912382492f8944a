import { InvalidArgumentError } from 'commander'
import { serverSigningSection, signingSectionFor, type SigningSection } from '../app/signing-keys.ts'
import { describeRepository, parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'

/** As on the command line, where `/` is the root repository. */
export function parseRepositoryArgument(text: string): RepositoryName {
  return parseRepositoryName(text === '/' ? '' : text)
}

/** The server's key, or the repository's own. Throws `request-invalid` where it has none. */
export function sectionOf(config: Config, repository: RepositoryName | undefined): SigningSection {
  const server = serverSigningSection(config)
  if (repository === undefined) return server
  const section = signingSectionFor(config, repository)
  if (section.path !== server.path) return section
  throw new AppError(
    'request-invalid',
    `${describeRepository(repository)} has no signing key of its own: its versions are signed with the server's`,
  )
}

/** Of a version 4 key, as every signing key is: upper-case hex without blanks, as `key show` and gpg print it. */
export function parseFingerprint(text: string): string {
  const fingerprint = text.replace(/^0x/i, '').replaceAll(' ', '').toUpperCase()
  if (/^[0-9A-F]{40}$/.test(fingerprint)) return fingerprint
  throw new InvalidArgumentError('expected a whole fingerprint, as "chartroom key show" prints it')
}
