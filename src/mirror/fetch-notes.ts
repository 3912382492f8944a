import { type Logger } from 'pino'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Offer } from '../catalog/offers.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'

export interface NoteDeps {
  readonly catalog: Pick<Catalog, 'appendAudit'>
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'fetches'> }
  readonly log: Logger
}

export interface Attempt {
  readonly repository: RepositoryName
  readonly offer: Offer
  readonly actor: Actor
  /** By `performance.now()`. */
  readonly beganMs: number
}

/** The values of the metric's label. */
type Outcome = 'stored' | 'unchanged' | 'absent' | 'refused' | 'failed' | 'interrupted'

export function noteSuccess(deps: NoteDeps, attempt: Attempt, outcome: 'stored' | 'unchanged'): void {
  count(deps, attempt, outcome)
  const { repository, offer, actor } = attempt
  const { name: chart, version, upstream } = offer
  deps.log.info(
    { repository, upstream, chart, version, requestId: actor.requestId, outcome },
    'fetched from upstream',
  )
}

/** Counts, logs and audits why nothing was stored. Returns what to throw: the cause, for whoever asked. */
export async function noteFailure(deps: NoteDeps, attempt: Attempt, error: unknown): Promise<unknown> {
  const outcome = outcomeOf(error)
  count(deps, attempt, outcome)
  if (!(error instanceof AppError)) return error
  const told = describeFailure(attempt.offer, error)
  if (outcome !== 'absent' && outcome !== 'interrupted') await record(deps, attempt, told.message)
  return told
}

function count({ metrics: { mirrors } }: NoteDeps, attempt: Attempt, outcome: Outcome): void {
  const { repository, offer, beganMs } = attempt
  const labels = { repository: repository || '/', upstream: offer.upstream }
  mirrors.fetches.total.inc({ ...labels, outcome })
  mirrors.fetches.seconds.observe(labels, (performance.now() - beganMs) / 1000)
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof AppError)) return 'failed'
  return OUTCOMES[error.code] ?? 'refused'
}

const OUTCOMES: Readonly<Partial<Record<ErrorCode, Outcome>>> = {
  'chart-unknown': 'absent',
  'request-aborted': 'interrupted',
  unavailable: 'failed',
  'storage-full': 'failed',
  'blob-missing': 'failed',
  'key-unusable': 'failed',
}

/**
 * What a publisher would be told of an upload of theirs is the upstream's fault here, and what was purged is not there.
 * The rest concerns the repository itself, or the way to the upstream.
 */
const TOLD_AS: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  'chart-invalid': 'upstream-invalid',
  'too-large': 'upstream-invalid',
  'not-allowed': 'chart-unknown',
}

export function describeFailure({ name, version, upstream }: Offer, error: AppError): AppError {
  const { code, message, retryAfterS } = error
  return new AppError(TOLD_AS[code] ?? code, `${name} ${version} of upstream ${upstream}: ${message}`, {
    cause: error,
    ...(retryAfterS !== undefined && { retryAfterS }),
  })
}

/** A row that cannot be written, on a full disk, is told to the log and does not change the answer. */
async function record(
  { catalog, log }: NoteDeps,
  { repository, offer, actor }: Attempt,
  reason: string,
): Promise<void> {
  const { name: chart, version, upstream } = offer
  log.warn(
    { repository, upstream, chart, version, requestId: actor.requestId, reason },
    'not fetched from upstream',
  )
  const detail = `${actor.detail ?? ''}: ${reason}`
  const row = { ...actor, action: 'publish', outcome: 'refused', repository, chart, version, detail } as const
  await catalog.appendAudit(row).catch((error: unknown) => {
    log.error({ err: error, audit: row }, 'a refusal could not be audited')
  })
}
