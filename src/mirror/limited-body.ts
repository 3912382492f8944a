import { type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { type Bandwidth } from './bandwidth.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface BodyRules {
  /** Where it is from, for messages. */
  readonly host: string
  readonly maxBytes: number
  readonly bandwidth: Bandwidth | undefined
  readonly signal: AbortSignal
  readonly describe: (error: unknown) => Error
}

/** Throws `upstream-invalid` for a length that is declared and too much, before anything is read. */
export function requireLength({ headers }: IncomingMessage, host: string, maxBytes: number): void {
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong(host, maxBytes)
}

/** The body as far as it may go. Destroying it ends the connection, also before the first byte was read. */
export function limitedBody(response: IncomingMessage, rules: BodyRules): Readable {
  const body = Readable.from(pass(response, rules), { objectMode: false })
  body.once('close', () => response.destroy())
  return body
}

async function* pass(response: IncomingMessage, rules: BodyRules): AsyncGenerator<Buffer> {
  const { host, maxBytes, bandwidth, signal, describe } = rules
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLong(host, maxBytes)
      await bandwidth?.(chunk.length, signal)
      yield chunk
    }
  } catch (error) {
    throw describe(error)
  }
}

function tooLong(host: string, maxBytes: number): Error {
  return upstreamInvalid(`${host} sends more than ${maxBytes} bytes`)
}
