import { type ChangeEvent, type ChangeKind } from '../catalog/outbox.ts'
import { compilePatterns, type Pattern } from '../policy/pattern.ts'

/** Who is told of changes, and of which. */
export interface Webhook {
  readonly url: URL
  readonly repositories: readonly Pattern[]
  readonly events: readonly ChangeKind[]
  /** For one delivery as a whole. */
  readonly timeoutMs: number
  /** Read anew for each delivery, so that a file may be replaced at any time. */
  readonly readSecret: () => Promise<string>
  /** PEM; `undefined` for the authorities that Node trusts. */
  readonly readCa: () => Promise<string | undefined>
}

export function selectEvents({ repositories, events }: Webhook): (event: ChangeEvent) => boolean {
  const isSelected = compilePatterns(repositories)
  return ({ kind, repository }) => events.includes(kind) && isSelected(repository)
}

/** For logs: a query may hold a token. */
export function describeWebhook({ url }: Webhook): string {
  return `${url.origin}${url.pathname}`
}
