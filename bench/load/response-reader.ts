/**
 * Reads HTTP/1.1 responses off a connection that has one request in flight: just enough to know the status and where
 * the body ends, because what the generator does not do it cannot slow.
 */
export interface ResponseReader {
  /** Returns the response once these bytes end it. */
  read(chunk: Buffer): FinishedResponse | undefined
}

export interface FinishedResponse {
  readonly status: number
  /** The status line and the header fields. */
  readonly head: string
  readonly bodyBytes: number
  readonly keepsAlive: boolean
}

interface Head {
  readonly status: number
  readonly text: string
  /** `undefined` for a chunked body. */
  readonly length: number | undefined
}

const END_OF_HEAD = '\r\n\r\n'
const END_OF_CHUNKS = Buffer.from('\r\n0\r\n\r\n')

export function createResponseReader(): ResponseReader {
  let head: Head | undefined
  let pending: Buffer = Buffer.alloc(0)
  let bodyBytes = 0
  let tail: Buffer = Buffer.alloc(0)

  function finish(ended: Head): FinishedResponse {
    const response = {
      status: ended.status,
      head: ended.text,
      bodyBytes,
      keepsAlive: !/^connection: close\r?$/im.test(ended.text),
    }
    head = undefined
    pending = tail = Buffer.alloc(0)
    bodyBytes = 0
    return response
  }

  function readBody(body: Buffer, current: Head): FinishedResponse | undefined {
    bodyBytes += body.length
    if (current.length !== undefined) return bodyBytes >= current.length ? finish(current) : undefined
    tail = Buffer.concat([tail, body.subarray(-END_OF_CHUNKS.length)]).subarray(-END_OF_CHUNKS.length)
    // Inside a chunk these bytes could come by chance, once in 2^56 ends of a read.
    return tail.equals(END_OF_CHUNKS) ? finish(current) : undefined
  }

  return {
    read(chunk) {
      if (head !== undefined) return readBody(chunk, head)
      const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const end = bytes.indexOf(END_OF_HEAD)
      if (end < 0) {
        pending = bytes
        return undefined
      }
      head = readHead(bytes.toString('latin1', 0, end))
      return readBody(bytes.subarray(end + END_OF_HEAD.length), head)
    },
  }
}

function readHead(text: string): Head {
  const status = Number(text.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
  const length = /^content-length: *(\d+)/im.exec(text)?.[1]
  if (status === 304 || status === 204) return { status, text, length: 0 }
  return { status, text, length: length === undefined ? undefined : Number(length) }
}
