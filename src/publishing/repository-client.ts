import { STATUS_CODES } from 'node:http'
import { type Agent } from 'node:https'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'
import { asciiOnly } from '../text.ts'
import { describeConnectionError, unreachable } from './connection-error.ts'
import { type ExchangeOptions, get, postForm, type Reply } from './http-client.ts'
import { type ChartPackage } from './package-chart.ts'
import { pathOf, uploadUrl } from './repository-url.ts'
import { type Attempt, parseRetryAfter, type RetryRules, withRetries } from './retry.ts'
import { formOf } from './upload-form.ts'

/** What the server made of a chart. */
export type UploadOutcome =
  | {
      readonly kind: 'stored'
      /** A server that does not say, such as ChartMuseum, has `stored` it. */
      readonly outcome: 'created' | 'replaced' | 'unchanged' | 'stored'
      /** Of the archive that is in the repository now: not the one that was sent when an equal one was there. */
      readonly digest: Digest
    }
  | { readonly kind: 'refused'; readonly status: number; readonly words: string }

export interface ClientOptions {
  /** From `parseRepositoryUrl`. */
  readonly repository: URL
  /** Instead of asking the server. */
  readonly contextPath?: string
  readonly force: 'forced' | 'unforced'
  readonly agent: Agent
  readonly userAgent: string
  /** Of one attempt, connecting and sending included. */
  readonly timeoutMs: number
  readonly retry: RetryRules
  readonly now: () => Date
  /** Aborted when the process is to end. */
  readonly terminated: AbortSignal
}

/** Publishes into one repository. An attempt may be repeated: the server answers the same content with success again. */
export class RepositoryClient {
  readonly #options: ClientOptions
  #uploadUrl: URL | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** `onBytes` is told of what was sent; a new attempt begins with `onAttempt`. Throws `unavailable`. */
  async upload(
    chart: ChartPackage,
    progress: { readonly onAttempt: (totalBytes: number) => void; readonly onBytes: (count: number) => void },
  ): Promise<UploadOutcome> {
    this.#uploadUrl ??= await this.#findUploadUrl()
    const url = this.#uploadUrl
    const form = formOf(chart)
    const reply = await this.#exchange(async (options) => {
      progress.onAttempt(form.length)
      return postForm(url, form, { ...options, onBytes: progress.onBytes })
    })
    return outcomeOf(reply, chart)
  }

  async #findUploadUrl(): Promise<URL> {
    const { repository, contextPath, force } = this.#options
    return uploadUrl(repository, contextPath ?? (await this.#askContextPath()), force)
  }

  /**
   * The index tells (`serverInfo.contextPath`), and Chartroom writes that first: what follows is not read. A repository
   * that is yet to be made has no index, and a publisher need not be a reader; then there is none.
   */
  async #askContextPath(): Promise<string> {
    const { repository } = this.#options
    if (pathOf(repository) === '') return ''
    const { status, text } = await this.#exchange(async (options) =>
      get(new URL(`${repository.href}/index.yaml`), options),
    )
    const [, contextPath] = /"serverInfo":\{"contextPath":("[^"\\]*")/.exec(text) ?? []
    return contextPath !== undefined && (status === 200 || status === 206)
      ? String(JSON.parse(contextPath))
      : ''
  }

  async #exchange(request: (options: ExchangeOptions) => Promise<Reply>): Promise<Reply> {
    return withRetries(this.#options.retry, () => this.#attempt(request))
  }

  async #attempt(request: (options: ExchangeOptions) => Promise<Reply>): Promise<Attempt<Reply>> {
    const { repository, agent, userAgent, timeoutMs, terminated, now } = this.#options
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const reply = await request({ agent, userAgent, signal: AbortSignal.any([timeout, terminated]) })
      if (!TRANSIENT_STATUSES.has(reply.status)) return { kind: 'done', value: reply }
      const retryAfterMs = parseRetryAfter(reply.headers['retry-after'], now())
      const error = unreachable({ message: `${repository.host}: ${reply.status} ${wordsOf(reply)}` })
      return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) }
    } catch (error) {
      if (terminated.aborted) throw new AppError('request-aborted', 'interrupted', { cause: error })
      const late = { message: `${repository.host}: no reply within ${timeoutMs / 1000} s`, isTransient: true }
      const problem = timeout.aborted ? late : describeConnectionError(error, repository.host)
      if (!problem.isTransient) throw unreachable(problem, error)
      return { kind: 'failed', error: unreachable(problem, error) }
    }
  }
}

/** Too busy, restarting, or behind a proxy that has lost it (RFC 6585, section 4; RFC 9110, section 15.6). */
const TRANSIENT_STATUSES = new Set([429, 502, 503, 504])

function outcomeOf(reply: Reply, { digest }: ChartPackage): UploadOutcome {
  // ChartMuseum's clients take 202 as well.
  if (reply.status !== 201 && reply.status !== 202) {
    return { kind: 'refused', status: reply.status, words: wordsOf(reply) }
  }
  const body = bodyOf(reply)
  const outcome = (['created', 'replaced', 'unchanged'] as const).find((known) => known === body['outcome'])
  const stored =
    typeof body['digest'] === 'string' && outcome !== undefined ? parseDigest(body['digest']) : digest
  return { kind: 'stored', outcome: outcome ?? 'stored', digest: stored }
}

/** The server's own: `{"error"}` or the reason phrase, and nothing in it that a terminal would obey. */
function wordsOf(reply: Reply): string {
  const { error } = bodyOf(reply)
  const words = typeof error === 'string' && error !== '' ? error : reply.reason
  return asciiOnly(words === '' ? (STATUS_CODES[reply.status] ?? 'no reason given') : words).slice(
    0,
    LONGEST_WORDS,
  )
}

const LONGEST_WORDS = 1000

function bodyOf({ text }: Reply): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? { ...body } : {}
  } catch {
    // A proxy's page; its status is what counts.
    return {}
  }
}
