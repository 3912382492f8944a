import { type Socket } from 'node:net'
import { type Server } from 'node:tls'
import { standBeforeTls, type StartTls } from './before-tls.ts'

/** What was not used is saved up for so long: a quiet server takes a burst. */
const SAVED_MS = 1000
/** Beyond it, a client is better off being told. */
const LONGEST_WAIT_MS = 2000

/** Spreads handshakes out: by far the dearest thing that somebody without a certificate can ask for. */
export class HandshakeRate {
  readonly #intervalMs: number
  /** When the next one may begin; in the past as far as something is saved up. */
  #nextMs = -Infinity

  constructor(perSecond: number) {
    this.#intervalMs = 1000 / perSecond
  }

  /** How long the next handshake has to wait, in milliseconds; `undefined` when that is too long, and none is counted. */
  take(nowMs: number): number | undefined {
    const startMs = Math.max(this.#nextMs, nowMs - SAVED_MS)
    const waitMs = startMs - nowMs
    if (waitMs > LONGEST_WAIT_MS) return undefined
    this.#nextMs = startMs + this.#intervalMs
    return Math.max(0, waitMs)
  }
}

/**
 * Has connections wait before TLS for as long as the rate says, and cuts those for which that is too long. To be called
 * before anybody else listens for the server's connections.
 */
export function paceHandshakes(server: Server, rate: HandshakeRate, onCut: (socket: Socket) => void): void {
  standBeforeTls(server, (socket, startTls) => {
    const waitMs = rate.take(performance.now())
    if (waitMs === undefined) onCut(socket)
    else if (waitMs === 0) startTls(socket)
    else delay(socket, waitMs, startTls)
  })
}

function delay(socket: Socket, waitMs: number, startTls: StartTls): void {
  // Until TLS listens for errors itself; "close" comes after each.
  socket.on('error', () => undefined)
  const timer = setTimeout(() => {
    startTls(socket)
  }, waitMs)
  socket.once('close', () => {
    clearTimeout(timer)
  })
}
