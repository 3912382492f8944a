import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { AppError } from '../errors.ts'
import { asciiOnly } from '../text.ts'
import { type Message } from './message.ts'
import { signBody } from './sign.ts'
import { type Webhook } from './webhook.ts'

/** What came of one attempt. */
export type Attempt =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** Of what a receiver answers; nobody reads it, it only lets the connection end in good order. */
const MOST_REPLY_BYTES = 16 * 1024
const LONGEST_REASON = 200

export interface DeliveryDeps {
  readonly now: () => Date
  readonly signal: AbortSignal
}

/** Sends the message once. Any status of 2xx is success; a redirect is not followed and is none. */
export async function deliver(webhook: Webhook, message: Message, deps: DeliveryDeps): Promise<Attempt> {
  const timeout = AbortSignal.timeout(webhook.timeoutMs)
  try {
    const status = await post(webhook, message, {
      now: deps.now,
      signal: AbortSignal.any([deps.signal, timeout]),
    })
    if (status >= 200 && status < 300) return { kind: 'delivered', status }
    return { kind: 'failed', reason: `the receiver answered ${status}` }
  } catch (error) {
    const reason = timeout.aborted ? `no answer within ${webhook.timeoutMs} ms` : describeFailure(error)
    return { kind: 'failed', reason }
  }
}

async function post(webhook: Webhook, message: Message, { now, signal }: DeliveryDeps): Promise<number> {
  const body = JSON.stringify(message)
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'chartroom',
    'x-chartroom-event': message.event,
    'x-chartroom-delivery': message.id,
    'x-chartroom-signature': signBody(body, await webhook.readSecret(), now()),
  }
  const response = await open(webhook, { ca: await webhook.readCa(), headers, body, signal })
  await skim(response)
  return response.statusCode ?? 0
}

interface Posting {
  readonly ca: string | undefined
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: string
  readonly signal: AbortSignal
}

/** On a connection of its own: events are few, and an idle connection that the receiver closes would cost an attempt. */
async function open({ url }: Webhook, { ca, headers, body, signal }: Posting): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: false as const, headers, signal }
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...(ca !== undefined && { ca }) }, resolve)
        : httpRequest(url, options, resolve)
    request.on('error', reject)
    request.end(body)
  })
}

async function skim(response: IncomingMessage): Promise<void> {
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length >= MOST_REPLY_BYTES) break
    }
  } catch {
    // The status has said it all; a body that breaks off or never ends changes nothing about it.
  }
}

/** What a receiver chose, such as the names in its certificate, may be in a system error's message. */
function describeFailure(error: unknown): string {
  if (error instanceof AppError) return error.message
  const text = error instanceof Error ? error.message || error.name : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const words = code === undefined || text.includes(code) ? text : `${text} (${code})`
  return asciiOnly(words).slice(0, LONGEST_REASON)
}
