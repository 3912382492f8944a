import { type VerifiedHandler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

/** ChartMuseum's liveness answer, for scripts that ask the main port. Probes use the ops listener. */
export function getHealth(): VerifiedHandler {
  return () => Promise.resolve(jsonReply(200, { healthy: true }))
}
