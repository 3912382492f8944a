import { type Reply } from '../reply.ts'
import { textReply } from '../reply.ts'

/** JSON that the catalog holds already. */
export function fragmentReply(json: string): Reply {
  return textReply(200, `${json}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'private, no-cache' },
  })
}
