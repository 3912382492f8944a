import { type VerifiedHandler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export function getInfo({ version }: { readonly version: string }): VerifiedHandler {
  return () => Promise.resolve(jsonReply(200, { version }))
}
