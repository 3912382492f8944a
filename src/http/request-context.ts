import { type Actor } from '../catalog/catalog.ts'
import { type Identity } from '../policy/identity.ts'

/** What is known of a request besides the message itself, from its arrival until its log line. */
export interface RequestContext {
  readonly identity: Identity
  /** The same as the audit trail and the log name it, with where the request comes from and its id. */
  readonly actor: Actor
  /** The path of the route that serves it, once there is one. */
  route?: string
}
