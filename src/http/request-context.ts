import { type Identity } from '../policy/identity.ts'

/** What is known of a request besides the message itself, from its arrival until its log line. */
export interface RequestContext {
  readonly requestId: string
  /** The client's address, also behind a proxy that tells it. */
  readonly from: string
  readonly identity: Identity
  readonly at: Date
  /** The path of the route that serves it, once there is one. */
  route?: string
}
