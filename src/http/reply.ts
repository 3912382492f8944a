import { type Readable } from 'node:stream'

/** What a handler answers. How it goes over the wire is `send.ts`'s business, for every route alike. */
export interface Reply {
  readonly status: number
  /** Shown by Helm instead of the body when the status is not 200. Default: the status's standard phrase. */
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A strong validator in quotes (RFC 9110, section 8.8.3). With it, `If-None-Match` is answered by 304. */
  readonly etag?: string
  readonly body?: Body
}

export type Body =
  | { readonly kind: 'bytes'; readonly bytes: () => Promise<readonly Buffer[]> | readonly Buffer[] }
  /** Opened only when something of it is sent; ranges are served from it. */
  | {
      readonly kind: 'file'
      readonly size: number
      readonly open: (range: FileRange) => Promise<Readable | Buffer>
    }

export interface FileRange {
  readonly start: number
  /** Included. */
  readonly end: number
}

export function jsonReply(
  status: number,
  value: unknown,
  options: Omit<Reply, 'status' | 'body'> = {},
): Reply {
  return textReply(status, `${JSON.stringify(value)}\n`, {
    ...options,
    headers: { 'content-type': 'application/json; charset=utf-8', ...options.headers },
  })
}

export function textReply(status: number, text: string, options: Omit<Reply, 'status' | 'body'> = {}): Reply {
  return { ...options, status, body: { kind: 'bytes', bytes: () => [Buffer.from(text)] } }
}
