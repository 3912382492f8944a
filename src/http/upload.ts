import { type IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { type Request } from 'express'
import multer from 'multer'
import { type BlobStore, type StagedBlob } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { AppError } from '../errors.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { quoted } from '../text.ts'
import { type VerifiedExchange } from './exchange.ts'

export interface UploadSettings {
  /** Of an archive; ChartMuseum's default is 20 MiB. */
  readonly maxBytes: number
  /** Form fields that are read besides `chart` and `prov`. */
  readonly chartField: string
  readonly provField: string
}

export interface UploadDeps {
  readonly blobs: BlobStore
  /** In force now. */
  readonly uploads: () => UploadSettings
}

/** What a publisher sent. The archive is on the blob store's own medium, not yet visible to anybody. */
export interface Upload {
  readonly archive?: StagedBlob
  readonly provenance?: Buffer
}

export function isMultipart(request: IncomingMessage): boolean {
  return /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')
}

/** The raw body as an archive, for as long as `use` takes. Throws `too-large`, or what `use` throws. */
export async function receiveRaw<T>(
  { blobs, uploads }: UploadDeps,
  exchange: VerifiedExchange,
  use: (upload: Upload) => Promise<T>,
): Promise<T> {
  const { maxBytes } = uploads()
  const archive = await blobs.stage(detached(acceptBody(exchange, maxBytes)), maxBytes)
  try {
    return await use({ archive })
  } finally {
    await discardAtEnd(archive)
  }
}

/** An archive and a provenance file of a form, for as long as `use` takes. */
export async function receiveForm<T>(
  { blobs, uploads }: UploadDeps,
  exchange: VerifiedExchange,
  use: (upload: Upload) => Promise<T>,
): Promise<T> {
  const settings = uploads()
  const { maxBytes } = settings
  const chartFields = new Set(['chart', settings.chartField])
  const upload: { archive?: StagedBlob; provenance?: Buffer } = {}
  const streams: Readable[] = []
  const stores: Promise<void>[] = []
  const received = new Set<keyof Upload>()
  const receive = async (field: string, stream: Readable): Promise<void> => {
    const kind = chartFields.has(field) ? 'archive' : 'provenance'
    if (received.has(kind)) throw formInvalid(`a second ${kind} came in field ${quoted(field)}`)
    received.add(kind)
    if (kind === 'archive') upload.archive = await blobs.stage(stream, maxBytes)
    else upload.provenance = await readSmall(stream, MOST_PROVENANCE_BYTES)
  }
  const store = async (field: string, stream: Readable): Promise<void> => {
    const stored = receive(field, stream)
    streams.push(stream)
    stores.push(stored)
    return stored
  }
  try {
    await parseForm(exchange, settings, store)
    return await use(upload)
  } finally {
    // A form that breaks off is reported before its files have come to their end.
    for (const stream of streams) stream.destroy()
    await Promise.allSettled(stores)
    await discardAtEnd(upload.archive)
  }
}

/** A raw body that fits into memory. Throws `too-large`. */
export async function receiveSmall(exchange: VerifiedExchange, maxBytes: number): Promise<Buffer> {
  return readSmall(detached(acceptBody(exchange, maxBytes)), maxBytes)
}

/** Parts besides the two files cost little, and nobody needs many. */
const FORM_LIMITS = { files: 2, fields: 20, parts: 22, fieldSize: 64 * 1024, headerPairs: 50 }
/** Boundaries and headers of a form's parts. */
const FORM_OVERHEAD_BYTES = 64 * 1024

async function parseForm(
  exchange: VerifiedExchange,
  { maxBytes, chartField, provField }: UploadSettings,
  store: (field: string, stream: Readable) => Promise<void>,
): Promise<void> {
  const body = acceptBody(exchange, maxBytes + MOST_PROVENANCE_BYTES + FORM_OVERHEAD_BYTES)
  const storage: multer.StorageEngine = {
    _handleFile: (_request, { fieldname, stream }, done) => {
      store(fieldname, stream).then(() => {
        done(null)
      }, done)
    },
    // What was stored is discarded by `receiveForm`, which knows it whether multer failed or not.
    _removeFile: (_request, _file, done) => {
      done(null)
    },
  }
  const fields = new Set(['chart', 'prov', chartField, provField])
  const parse = multer({ storage, limits: FORM_LIMITS }).fields(
    Array.from(fields, (name) => ({ name, maxCount: 1 })),
  )
  await new Promise<void>((resolve, reject) => {
    // The exchange's request is Express's own; multer wants it typed so.
    void parse(body as Request, exchange.response as Parameters<typeof parse>[1], (error: unknown) => {
      if (error === undefined || error === null) resolve()
      else reject(formError(error))
    })
  })
}

function formError(error: unknown): Error {
  if (error instanceof AppError) return error
  if (error instanceof multer.MulterError) {
    const field = error.field === undefined ? '' : ` (field ${quoted(error.field)})`
    return formInvalid(`${error.message}${field}`)
  }
  return new AppError('request-invalid', 'the body is not the form that its content type promises', {
    cause: error,
  })
}

function formInvalid(why: string): AppError {
  return new AppError('request-invalid', `the form is not one chart and one prov file: ${why}`)
}

/**
 * The request's body, once it is clear that somebody will read it: only now is a client that asked first
 * (`Expect: 100-continue`, as curl does) told to send it. Throws `too-large` for a body that says so itself.
 */
function acceptBody({ request, response }: VerifiedExchange, maxBytes: number): IncomingMessage {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue()
  return request
}

/**
 * The body as a stream of its own. Destroying a request destroys its socket, and with it the reply that says why; this
 * one may be destroyed, and what the peer still sends is then discarded.
 */
function detached(request: IncomingMessage): Readable {
  const body = new PassThrough({ highWaterMark: BODY_BUFFER_BYTES })
  request.once('error', (error) => {
    body.destroy(new AppError('request-aborted', 'the upload ended before it was complete', { cause: error }))
  })
  body.once('close', () => {
    request.unpipe(body)
    request.resume()
  })
  return request.pipe(body)
}

const BODY_BUFFER_BYTES = 256 * 1024

async function readSmall(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('too-large', `the upload is larger than the limit of ${maxBytes} bytes`)
}
