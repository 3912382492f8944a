import { type IncomingMessage } from 'node:http'
import { type Agent, request } from 'node:https'
import { Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import { describeConnectionError } from '../publishing/connection-error.ts'
import { quoted } from '../text.ts'

export interface DownloaderOptions {
  /** Only its host gets the client certificate and the password. */
  readonly repository: URL
  /** With the client certificate. */
  readonly agent: Agent
  /** Without it, for the other hosts. */
  readonly foreignAgent: Agent
  /** Other hosts that archives may come from, as `host` or `host:port`. */
  readonly allowedHosts: readonly string[]
  readonly password?: { readonly user: string; readonly password: string }
  readonly userAgent: string
  /** For one file, to its end. */
  readonly timeoutMs: number
  readonly terminated: AbortSignal
}

const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What repositories answer where there is no such file. */
const ABSENT = new Set([404, 410])

/** Reads files over HTTPS from the repository's host and from those that are allowed, also where they redirect to. */
export class Downloader {
  readonly #options: DownloaderOptions

  constructor(options: DownloaderOptions) {
    this.#options = options
  }

  /** `undefined` where there is no such file. Throws `request-invalid` or `unavailable`, as does the stream. */
  async open(url: URL): Promise<Readable | undefined> {
    const { timeoutMs, terminated } = this.#options
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), terminated])
    let next = url
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const response = await this.#get(next, signal).catch((error: unknown) => {
        throw this.#describe(error, next, signal)
      })
      const { statusCode: status = 0, headers } = response
      if (status === 200) return Readable.from(this.#body(response, next, signal), { objectMode: false })
      response.destroy()
      if (ABSENT.has(status)) return undefined
      if (!REDIRECTS.has(status) || !URL.canParse(headers.location ?? '', next.href)) {
        throw new AppError('unavailable', `${next.host} answered ${status} for ${quoted(next.pathname)}`)
      }
      next = new URL(headers.location ?? '', next)
    }
    throw new AppError('unavailable', `${url.host} redirects more than ${MOST_REDIRECTS} times`)
  }

  /** The whole file. Throws `too-large` besides. */
  async read(url: URL, maxBytes: number): Promise<Buffer | undefined> {
    const stream = await this.open(url)
    if (stream === undefined) return undefined
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new AppError('too-large', `${url.pathname} is larger than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  async #get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const isOwn = url.origin === this.#options.repository.origin
    this.#requireAllowed(url)
    const { agent, foreignAgent, password, userAgent } = this.#options
    const basic = isOwn && password !== undefined ? `${password.user}:${password.password}` : undefined
    const headers = {
      'user-agent': userAgent,
      ...(basic !== undefined && { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    }
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: isOwn ? agent : foreignAgent, signal, headers }, resolve)
      sent.on('error', reject)
      sent.end()
    })
  }

  #requireAllowed({ protocol, host, hostname, origin }: URL): void {
    const { repository, allowedHosts } = this.#options
    if (protocol !== 'https:')
      throw new AppError('request-invalid', `${quoted(host)} is not asked over HTTPS`)
    if (origin === repository.origin || allowedHosts.includes(host) || allowedHosts.includes(hostname)) return
    throw new AppError(
      'request-invalid',
      `it is on another host, ${quoted(host)}, which --allow-host does not name`,
    )
  }

  async *#body(response: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      yield* response as AsyncIterable<Buffer>
    } catch (error) {
      throw this.#describe(error, url, signal)
    }
  }

  #describe(error: unknown, { host }: URL, signal: AbortSignal): AppError {
    if (error instanceof AppError) return error
    const { terminated, timeoutMs } = this.#options
    if (terminated.aborted) return new AppError('request-aborted', 'interrupted', { cause: error })
    const message = signal.aborted
      ? `${host}: no end of the file within ${timeoutMs / 1000} s`
      : describeConnectionError(error, host).message
    return new AppError('unavailable', message, { cause: error })
  }
}
