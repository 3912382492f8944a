import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { type TestPeer } from '../../test/support/test-ca.ts'
import { createResponseReader, type FinishedResponse } from './response-reader.ts'

/**
 * A load generator that shows a client certificate: TLS 1.3, full handshakes only, HTTP/1.1 with one request in flight
 * on each connection. It writes prepared bytes and counts those that come back.
 */

export interface Target {
  readonly port: number
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly expect: { readonly status: number; readonly bodyBytes?: number }
}

export interface LoadOptions {
  /** `new`: a connection for each request, as Helm 4.2 makes them. */
  readonly connections: 'new' | 'keep-alive'
  /** How many at a time. */
  readonly parallel: number
  readonly ms: number
}

export interface LoadResult {
  readonly requests: number
  readonly ms: number
}

/** How long a connection may take to answer: beyond it the server is broken, not slow. */
const STALL_MS = 60_000

export class LoadGenerator {
  readonly #context: SecureContext

  constructor({ ca, cert, key }: TestPeer) {
    this.#context = createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' })
  }

  /** Requests until the time is over, then waits for those in flight. Rejects at the first answer that is not as expected. */
  async run(target: Target, { connections, parallel, ms }: LoadOptions): Promise<LoadResult> {
    const start = performance.now()
    const isOver = (): boolean => performance.now() - start >= ms
    const drive = connections === 'new' ? this.#driveNew : this.#driveKeptAlive
    const counts = await Promise.all(Array.from({ length: parallel }, () => drive.call(this, target, isOver)))
    return { requests: counts.reduce((sum, count) => sum + count, 0), ms: performance.now() - start }
  }

  /** One request on a connection of its own; the caller judges the answer. */
  async once(target: Omit<Target, 'expect'>): Promise<TimedResponse> {
    const start = performance.now()
    let firstByteMs = 0
    return new Promise((resolve, reject) => {
      const socket = this.#converse(target, {
        reject,
        answered: (response, end) => {
          end()
          resolve({ ...response, firstByteMs, ms: performance.now() - start })
        },
      })
      socket.prependOnceListener('data', () => {
        firstByteMs = performance.now() - start
      })
    })
  }

  /** Whether the answer's body has the text in it; read to its end either way. */
  async contains(target: Omit<Target, 'expect'>, text: string): Promise<boolean> {
    let found = false
    let tail: Buffer = Buffer.alloc(0)
    return new Promise((resolve, reject) => {
      const socket = this.#converse(target, {
        reject,
        answered: (_response, end) => {
          end()
          resolve(found)
        },
      })
      socket.prependListener('data', (chunk: Buffer) => {
        if (found) return
        const bytes = Buffer.concat([tail, chunk])
        found = bytes.includes(text)
        tail = bytes.subarray(-text.length)
      })
    })
  }

  /** Reads one answer no faster than so; resolves with how long that took, in milliseconds. */
  async slowly(target: Omit<Target, 'expect'>, bytesPerSecond: number): Promise<number> {
    const start = performance.now()
    let bytes = 0
    return new Promise((resolve, reject) => {
      const socket = this.#converse(target, {
        reject,
        answered: (_response, end) => {
          end()
          resolve(performance.now() - start)
        },
      })
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        const aheadMs = (bytes / bytesPerSecond) * 1000 - (performance.now() - start)
        if (aheadMs <= 0) return
        socket.pause()
        setTimeout(() => socket.resume(), aheadMs)
      })
    })
  }

  /** A connection that asks and then reads nothing. */
  async stall(target: Omit<Target, 'expect'>): Promise<TLSSocket> {
    const socket = this.#connect(target.port)
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject)
    })
    socket.pause()
    socket.write(requestBytes(target))
    return socket
  }

  async #driveNew(target: Target, isOver: () => boolean): Promise<number> {
    let count = 0
    while (!isOver()) {
      requireExpected(await this.once(target), target)
      count += 1
    }
    return count
  }

  async #driveKeptAlive(target: Target, isOver: () => boolean): Promise<number> {
    let count = 0
    while (!isOver()) count += await this.#driveOneConnection(target, isOver)
    return count
  }

  async #driveOneConnection(target: Target, isOver: () => boolean): Promise<number> {
    let count = 0
    return new Promise((resolve, reject) => {
      this.#converse(target, {
        reject,
        answered: (response, end, again) => {
          requireExpected(response, target)
          count += 1
          if (!isOver() && response.keepsAlive) {
            again()
            return
          }
          end()
          resolve(count)
        },
      })
    })
  }

  #converse(target: Omit<Target, 'expect'>, { answered, reject }: Conversation): TLSSocket {
    const bytes = requestBytes(target)
    const socket = this.#connect(target.port)
    const reader = createResponseReader()
    const again = (): void => void socket.write(bytes)
    const end = (): void => {
      socket.removeAllListeners('close')
      socket.end()
      socket.resume()
    }
    return socket
      .on('secureConnect', again)
      .on('error', reject)
      .on('timeout', () => socket.destroy(new Error('the server does not answer')))
      .on('close', () => {
        reject(new Error('the server closed the connection before the end of its answer'))
      })
      .on('data', (chunk: Buffer) => {
        try {
          const response = reader.read(chunk)
          if (response !== undefined) answered(response, end, again)
        } catch (error) {
          socket.destroy()
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
  }

  #connect(port: number): TLSSocket {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext: this.#context })
    socket.setTimeout(STALL_MS)
    socket.setNoDelay(true)
    return socket
  }
}

/** Times in milliseconds since before the connection. */
export interface TimedResponse extends FinishedResponse {
  readonly firstByteMs: number
  readonly ms: number
}

interface Conversation {
  readonly answered: (response: FinishedResponse, end: () => void, again: () => void) => void
  readonly reject: (error: Error) => void
}

function requestBytes({ port, path, headers = {} }: Omit<Target, 'expect'>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nUser-Agent: Helm/4.2.0\r\n${lines.join('')}\r\n`,
  )
}

function requireExpected({ status, bodyBytes }: FinishedResponse, { path, expect }: Target): void {
  if (status !== expect.status)
    throw new Error(`${path} was answered with ${status} instead of ${expect.status}`)
  if (expect.bodyBytes === undefined || expect.bodyBytes === bodyBytes) return
  throw new Error(`${path} came with ${bodyBytes} bytes instead of ${expect.bodyBytes}`)
}
