import { type Pattern } from './pattern.ts'

/**
 * Who may do what. Nothing is allowed that no grant allows, no grant implies another, and what a denial names is
 * refused whatever grants there are.
 *
 * - `read` index, archives, provenance, lists
 * - `publish` new versions, and provenance for them
 * - `overwrite` a version with other content, where the repository allows it at all
 * - `delete` versions
 * - `create` a repository by publishing into it first
 * - `admin` see the audit trail and operate the server
 */
export const ACTIONS = ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'] as const
export type Action = (typeof ACTIONS)[number]

/** An entry under `access`; a list of rules is in the order of the file, so that a rule's index is its place there. */
export type Rule = Grant | Denial

export interface Grant extends Scope {
  readonly may: readonly Action[]
}

/** Wins over every grant, wherever it stands. */
export interface Denial extends Scope {
  readonly deny: readonly Action[]
}

interface Scope {
  readonly who: Subject
  readonly repositories: readonly Pattern[]
  /** Absent: every chart. */
  readonly charts?: readonly Pattern[]
}

export type Subject = Who | Group

/** A named set of identities: whoever one of the members describes. */
interface Group {
  readonly group: string
  readonly members: readonly Who[]
}

/** What a certificate must have; every attribute given must match, each by any one of the certificate's values. */
export interface Who {
  readonly anchor: string
  readonly cn?: Pattern
  readonly o?: Pattern
  readonly ou?: Pattern
  readonly uri?: Pattern
  readonly email?: Pattern
  readonly dns?: Pattern
  /** SHA-256 over the certificate's DER, lower-case hex. */
  readonly fingerprint?: string
}

export function membersOf(subject: Subject): readonly Who[] {
  return 'members' in subject ? subject.members : [subject]
}
