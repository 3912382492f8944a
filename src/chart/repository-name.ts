import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

declare const brand: unique symbol

/** A repository's name: `''` for the root one, else OCI path segments joined by `/`. */
export type RepositoryName = string & { readonly [brand]: 'RepositoryName' }

/** One path component of the OCI distribution specification's repository grammar. */
const SEGMENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/** The OCI specification's advice for host-independent names; a chart's name has to fit in as well. */
const LONGEST_NAME = 255

/** Words that a route uses after a repository's name: as a segment they would give a path two readings. */
const RESERVED_ANYWHERE = new Set(
  'api v2 charts prov index.yaml artifacthub-repo.yml keys manifests blobs tags referrers promote templates upstreams values'.split(
    ' ',
  ),
)

/** Words that a route uses in first place. */
const RESERVED_FIRST = new Set('health info static ui crl.pem whoami repositories .well-known'.split(' '))

export const ROOT_REPOSITORY = '' as RepositoryName

/** Throws `request-invalid`. */
export function parseRepositoryName(text: string): RepositoryName {
  return text === '' ? ROOT_REPOSITORY : repositoryFromSegments(text.split('/'))
}

/** The name that a request path's segments (already percent-decoded) stand for. Throws `request-invalid`. */
export function repositoryFromSegments(segments: readonly string[]): RepositoryName {
  const text = segments.join('/')
  if (text.length > LONGEST_NAME || !segments.every((segment) => SEGMENT.test(segment))) {
    throw new AppError(
      'request-invalid',
      `not a repository name: ${quoted(text)} (lower-case segments of letters and digits, joined by /)`,
    )
  }
  const reserved = segments.find((segment, place) => isReserved(segment, place))
  if (reserved !== undefined) {
    throw new AppError('request-invalid', `${quoted(reserved)} may not be part of a repository name`)
  }
  return text as RepositoryName
}

/** How a message names a repository; the root one has no name to show. */
export function describeRepository(name: RepositoryName): string {
  return name === ROOT_REPOSITORY ? 'the root repository' : name
}

function isReserved(segment: string, place: number): boolean {
  return RESERVED_ANYWHERE.has(segment) || (place === 0 && RESERVED_FIRST.has(segment))
}
