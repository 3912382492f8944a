import { type Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { AppError } from '../errors.ts'
import { joiningSlices } from './batch-slices.ts'
import { type Filters } from './filters.ts'
import { type IndexBatch, type IndexSummary } from './index-entries.ts'
import { type FromWorker, type ToWorker, type WorkerTask } from './index-messages.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface IndexReading {
  /** Where the index is, behind the redirects. */
  readonly url: URL
  readonly filters: Filters
  readonly maxBytes: number
  /** Of the worker, which ends there. */
  readonly maxHeapMiB?: number
  /** From the last byte to the last batch but for the time that `onBatch` takes. */
  readonly parseTimeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Enough for 100 MiB of JSON, or of YAML in Helm's form. */
const HEAP_MIB = 1536
/** 100 MB of YAML take ten seconds, on a machine that does nothing else. */
const PARSE_TIMEOUT_MS = 300_000

/** Source and build have the worker beside this file, each with its own ending. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './index-worker.ts' : './index-worker.js',
  import.meta.url,
)

/**
 * Reads an index in a thread of its own. Batches come in turn, each once the one before is dealt with; a chart's versions
 * are all in one. Throws `upstream-invalid` for what is no index or costs too much, `request-aborted`, or the stream's or
 * `onBatch`'s own error; batches may have come before.
 */
export async function readUpstreamIndex(
  body: Readable,
  reading: IndexReading,
  onBatch: (batch: IndexBatch) => Promise<void> | void,
): Promise<IndexSummary> {
  const task: WorkerTask = { base: reading.url.href, filters: reading.filters }
  const worker = new Worker(WORKER, {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: reading.maxHeapMiB ?? HEAP_MIB },
    stdout: true,
    stderr: true,
  })
  const messages = listenTo(worker)
  try {
    await feed(body, worker, reading)
    return await takeBatches(worker, messages, reading, onBatch)
  } finally {
    body.destroy()
    await worker.terminate()
  }
}

async function feed(body: Readable, worker: Worker, { maxBytes, signal }: IndexReading): Promise<void> {
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    requireOngoing(signal)
    bytes += chunk.length
    if (bytes > maxBytes) throw upstreamInvalid(`its index is larger than ${maxBytes} bytes`)
    // A copy of its own: a window into a larger buffer would be sent with all of that.
    const copy = new Uint8Array(chunk)
    post(worker, { kind: 'chunk', bytes: copy }, [copy.buffer])
  }
  post(worker, { kind: 'end' })
}

async function takeBatches(
  worker: Worker,
  messages: Messages,
  { url, parseTimeoutMs = PARSE_TIMEOUT_MS, signal }: IndexReading,
  onBatch: (batch: IndexBatch) => Promise<void> | void,
): Promise<IndexSummary> {
  let leftMs = parseTimeoutMs
  const batch = joiningSlices()
  for (;;) {
    const startMs = performance.now()
    const message = await messages.next(leftMs, signal)
    leftMs -= performance.now() - startMs
    if (message.kind === 'done') return message.summary
    if (message.kind === 'failed') throw upstreamInvalid(`${url.host}: ${message.message}`)
    const whole = batch.add(message)
    if (whole !== undefined) await onBatch(whole)
    post(worker, { kind: 'taken' })
  }
}

interface Messages {
  /** Rejects when the worker fails, the time is up, or the signal aborts. */
  readonly next: (timeoutMs: number, signal: AbortSignal | undefined) => Promise<FromWorker>
}

/** The worker says one thing at a time and waits for an answer, so there is never more than one. */
function listenTo(worker: Worker): Messages {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  let heard = Promise.withResolvers<FromWorker>()
  failed.catch(() => undefined)
  worker.on('message', (message: FromWorker) => {
    heard.resolve(message)
  })
  worker.on('error', (error) => {
    reject(upstreamInvalid('its index costs too much to read', error))
  })
  return {
    next: async (timeoutMs, signal) => {
      requireOngoing(signal)
      const limit = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        limit.reject(upstreamInvalid('its index takes too long to read'))
      }, timeoutMs)
      const onAbort = (): void => {
        limit.reject(interrupted())
      }
      signal?.addEventListener('abort', onAbort)
      try {
        return await Promise.race([heard.promise, failed, limit.promise])
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        heard = Promise.withResolvers()
      }
    },
  }
}

function post(worker: Worker, message: ToWorker, moved: readonly ArrayBuffer[] = []): void {
  worker.postMessage(message, moved)
}

function requireOngoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted()
}

function interrupted(): AppError {
  return new AppError('request-aborted', 'interrupted')
}
