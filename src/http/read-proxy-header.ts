import { type Socket } from 'node:net'
import { parseProxyHeader, ProxyHeaderError, type ProxyHeader } from './proxy-protocol.ts'

/** Why a connection from a proxy is not let in. */
export type ProxyRefusal = ProxyHeaderError['fault'] | 'slow' | 'aborted'

/**
 * Takes the PROXY header off a connection that nobody has read from yet; what follows it can still be read from the
 * socket. Resolves with why there is none where there is none.
 */
export async function readProxyHeader(
  socket: Socket,
  timeoutMs: number,
): Promise<ProxyHeader | { readonly refusal: ProxyRefusal; readonly why: string }> {
  return new Promise((resolve) => {
    // No longer than the longest header and what one read may bring with it.
    let bytes = Buffer.alloc(0)
    const timer = setTimeout(() => {
      settle({ refusal: 'slow', why: `no PROXY header within ${timeoutMs} ms` })
    }, timeoutMs)
    socket.on('readable', read)
    socket.on('close', abort)

    function read(): void {
      const chunk: unknown = socket.read()
      if (!Buffer.isBuffer(chunk)) return
      bytes = Buffer.concat([bytes, chunk])
      const header = parse(bytes)
      if (header === 'incomplete') return
      if ('length' in header) socket.unshift(bytes.subarray(header.length))
      settle(header)
    }

    function abort(): void {
      settle({ refusal: 'aborted', why: 'the connection ended before its PROXY header' })
    }

    function settle(result: Awaited<ReturnType<typeof readProxyHeader>>): void {
      clearTimeout(timer)
      socket.off('readable', read)
      socket.off('close', abort)
      resolve(result)
    }
  })
}

function parse(bytes: Buffer): ReturnType<typeof parseProxyHeader> | { refusal: ProxyRefusal; why: string } {
  try {
    return parseProxyHeader(bytes)
  } catch (error) {
    if (error instanceof ProxyHeaderError) return { refusal: error.fault, why: error.message }
    throw error
  }
}
