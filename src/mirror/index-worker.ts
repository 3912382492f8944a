import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { AppError } from '../errors.ts'
import { batchSlices } from './batch-slices.ts'
import { readIndexEntries } from './index-entries.ts'
import { type FromWorker, type ToWorker, type WorkerTask } from './index-messages.ts'

/** Reads one index beside the event loop: takes its chunks, gives its entries, and waits until each slice of them is taken. */
async function work(port: NonNullable<typeof parentPort>, { base, filters }: WorkerTask): Promise<void> {
  const bytes = await new Promise<Buffer>((resolve) => {
    const chunks: Uint8Array[] = []
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'chunk') chunks.push(message.bytes)
      else if (message.kind === 'end') resolve(Buffer.concat(chunks.splice(0)))
    })
  })
  const send = (message: FromWorker): void => {
    port.postMessage(message)
  }
  try {
    const batches = readIndexEntries(bytes, { base: new URL(base), filters })
    for (let next = batches.next(); ; next = batches.next()) {
      if (next.done === true) {
        send({ kind: 'done', summary: next.value })
        break
      }
      for (const slice of batchSlices(next.value)) {
        const taken = once(port, 'message')
        send({ kind: 'slice', ...slice })
        await taken
      }
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    send({ kind: 'failed', message: error.message })
  }
  port.close()
}

if (parentPort !== null) await work(parentPort, workerData as WorkerTask)
