import { z } from 'zod'
import { duration } from './units.ts'

const LONGEST_MS = 24 * 3_600_000

/** Node takes 0 as "for ever", and longer ones as 1 ms. */
const time = duration.refine(
  (ms) => ms > 0 && ms <= LONGEST_MS,
  'expected a time of more than 0 and at most 24h',
)
const count = z.int().min(1)

/** Of each process by itself: with several, the whole is as many times as much. */
export const limitsSchema = z
  .strictObject({
    /** Open connections that are served. An eighth more are answered with 503, the others are closed at once. */
    connections: count.default(4096),
    /** TLS handshakes that begin in a second. More wait for up to 2 s, then their connections are closed. */
    handshakes: count.default(500),
    /** From a connection's begin to the end of its handshake. */
    handshakeTimeout: time.prefault('10s'),
    /** For the headers of a request. */
    headersTimeout: time.prefault('10s'),
    /** For a whole request, its body included; Helm gives up after 120 s. */
    requestTimeout: time.prefault('5m'),
    /** How long nothing may come of a body. */
    uploadStall: time.prefault('30s'),
    /** How long nothing may be taken of a reply: somebody who reads less than 512 KiB in it counts as stalled. */
    replyStall: time.prefault('60s'),
    /** How long a connection is kept open for another request. */
    idleTimeout: time.prefault('65s'),
    /** Requests in progress at a time. More are answered with 503. */
    requests: count.default(512),
    /** Requests that one identity may make within `rateWindow`, or `off`. More are answered with 429. */
    rate: z.union([z.literal('off'), count]).default(3000),
    rateWindow: time.prefault('10s'),
    /** Publishes at a time: each unpacks an archive. */
    publishes: count.default(32),
    /** How many more may wait for their turn, for up to 10 s each. Others are answered with 503. */
    publishesWaiting: z.int().min(0).default(64),
  })
  .prefault({})
