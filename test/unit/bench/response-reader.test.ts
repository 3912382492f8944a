import assert from 'node:assert/strict'
import { createResponseReader } from '../../../bench/load/response-reader.ts'

/** What becomes of the bytes when they arrive one by one. */
function readBytewise(text: string): readonly { readonly status: number; readonly bodyBytes: number }[] {
  const reader = createResponseReader()
  return [...Buffer.from(text)].flatMap((byte) => {
    const response = reader.read(Buffer.from([byte]))
    return response === undefined ? [] : [{ status: response.status, bodyBytes: response.bodyBytes }]
  })
}

describe("the load generator's reader of responses", () => {
  it('finds the end by the length, and goes on with the next response', () => {
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
    assert.deepEqual(readBytewise(response + response), [
      { status: 200, bodyBytes: 5 },
      { status: 200, bodyBytes: 5 },
    ])
  })

  it('finds the end of a chunked body', () => {
    const response = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    assert.deepEqual(readBytewise(response), [{ status: 200, bodyBytes: 15 }])
  })

  it('expects no body of a 304, whatever length it tells', () => {
    const reader = createResponseReader()
    const response = reader.read(
      Buffer.from('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nConnection: close\r\n\r\n'),
    )
    assert.deepEqual([response?.status, response?.bodyBytes, response?.keepsAlive], [304, 0, false])
  })
})
