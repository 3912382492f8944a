import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { secureContextOptions } from '../../src/http/tls-options.ts'

/**
 * A program: `node bare-handler.ts PORT ROOT CERTIFICATE KEY CA`. What `node:https` costs with our TLS settings and
 * nothing around it: no identity, rights, log, metrics or limits, and each file from memory.
 */

const SLICE_BYTES = 512 * 1024

const [port = '', root = '', certificate = '', key = '', ca = ''] = process.argv.slice(2)

interface File {
  readonly bytes: Buffer
  readonly etag: string
}

const files = new Map<string, File>()

function read(path: string): File {
  const bytes = readFileSync(join(root, path))
  const file = { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex')}"` }
  files.set(path, file)
  return file
}

const server = createServer({
  ...secureContextOptions({
    certificatePem: readFileSync(certificate, 'utf8'),
    keyPem: readFileSync(key, 'utf8'),
    anchors: [{ name: 'bench', certificates: [new X509Certificate(readFileSync(ca))] }],
  }),
  requestCert: true,
  rejectUnauthorized: true,
})

server.on('request', (request, response) => {
  const { bytes, etag } = files.get(request.url ?? '') ?? read(request.url ?? '')
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, ['etag', etag]).end()
    return
  }
  response.writeHead(200, ['etag', etag, 'content-length', String(bytes.length)])
  let start = 0
  const write = (): void => {
    for (; start + SLICE_BYTES < bytes.length;) {
      const slice = bytes.subarray(start, start + SLICE_BYTES)
      start += SLICE_BYTES
      if (!response.write(slice)) {
        response.once('drain', write)
        return
      }
    }
    response.end(bytes.subarray(start))
  }
  write()
})

server.listen(Number(port), '127.0.0.1')
