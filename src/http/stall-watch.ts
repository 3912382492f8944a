import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'

/** Who a request waits for: its sender, or the reader of its reply. */
export type Waiting = 'upload' | 'reply'

export interface StallLimits {
  /** How long nothing may come of a body that is being read, in milliseconds. */
  readonly uploadStall: number
  /** How long nothing may be taken of a reply, in milliseconds. A slice (`send.ts`) counts once it is gone as a whole. */
  readonly replyStall: number
}

/** What is watched. */
export interface Exchanges {
  readonly replies: Iterable<ServerResponse>
  /** Requests that are answered, and of which more is to come. */
  readonly unfinished: Iterable<IncomingMessage>
}

interface Progress {
  readonly waiting: Waiting
  readonly bytes: number
  readonly sinceMs: number
}

interface Look {
  readonly socket: Socket
  readonly waiting: Waiting
  readonly nowMs: number
}

const LONGEST_INTERVAL_MS = 1000

/**
 * Finds requests on which nothing moves because of the peer: not those that the server itself is busy with. One look at
 * all of them now and then, instead of a timer for each.
 */
export class StallWatch {
  readonly #exchanges: Exchanges
  readonly #limitsMs: Readonly<Record<Waiting, number>>
  readonly #onStalled: (socket: Socket, waiting: Waiting) => void
  readonly #progress = new WeakMap<ServerResponse | IncomingMessage, Progress>()
  readonly #timer: NodeJS.Timeout

  constructor(
    exchanges: Exchanges,
    { uploadStall, replyStall }: StallLimits,
    onStalled: (socket: Socket, waiting: Waiting) => void,
  ) {
    this.#exchanges = exchanges
    this.#limitsMs = { upload: uploadStall, reply: replyStall }
    this.#onStalled = onStalled
    const intervalMs = Math.min(LONGEST_INTERVAL_MS, uploadStall / 2, replyStall / 2)
    this.#timer = setInterval(() => {
      this.#look(performance.now())
    }, intervalMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(nowMs: number): void {
    for (const response of this.#exchanges.replies) {
      const { socket } = response
      if (socket === null) continue
      const waiting = waitingFor(response, socket)
      if (waiting === undefined) this.#progress.delete(response)
      else this.#judge(response, { socket, waiting, nowMs })
    }
    for (const request of this.#exchanges.unfinished) {
      const { socket } = request
      this.#judge(request, { socket, waiting: socket.writableLength > 0 ? 'reply' : 'upload', nowMs })
    }
  }

  #judge(exchange: ServerResponse | IncomingMessage, { socket, waiting, nowMs }: Look): void {
    // What a peer sends while it does not read is no progress of the reply.
    const bytes = waiting === 'upload' ? socket.bytesRead : socket.bytesWritten - socket.writableLength
    const known = this.#progress.get(exchange)
    if (known?.waiting !== waiting || known.bytes !== bytes)
      this.#progress.set(exchange, { waiting, bytes, sinceMs: nowMs })
    else if (nowMs - known.sinceMs >= this.#limitsMs[waiting]) this.#onStalled(socket, waiting)
  }
}

function waitingFor({ req }: ServerResponse, socket: Socket): Waiting | undefined {
  if (socket.writableLength > 0) return 'reply'
  // A body that is not being read, or of which something has come and is not taken, waits for the server.
  const isAwaited = !req.complete && req.readableFlowing === true && req.readableLength === 0
  return isAwaited ? 'upload' : undefined
}
