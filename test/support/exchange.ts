import { Agent, request as httpsRequest } from 'node:https'
import { type IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type TestPeer } from './test-ca.ts'

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

export function jsonOf(reply: Reply): unknown {
  return JSON.parse(reply.bytes.toString())
}

/** How `peer` connects; without one, as somebody who shows no certificate. */
export function agentOf(
  ca: string,
  peer: TestPeer | undefined,
  connections: 'kept alive' | 'used once',
): Agent {
  const keepAlive = connections === 'kept alive'
  return new Agent({ ca, cert: peer?.cert, key: peer?.key, maxCachedSessions: 0, keepAlive })
}

/** One request and the whole reply. Rejects when the connection breaks before its end. */
export async function exchange(
  agent: Agent,
  method: string,
  url: string,
  { headers = {}, body }: RequestOptions = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { agent, method, headers }, (response) => {
      buffer(response)
        .then((bytes) => {
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            headers: response.headers,
            bytes,
          })
        })
        .catch(reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}
