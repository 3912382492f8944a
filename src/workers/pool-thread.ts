import { Worker } from 'node:worker_threads'
import { AppError, isSystemError } from '../errors.ts'
import { readAnswer } from './answer.ts'

export interface ThreadLimits {
  /** Of what its JavaScript keeps, in MiB; buffers do not count. */
  readonly heapMiB: number
}

interface Job {
  readonly resolve: (result: unknown) => void
  readonly reject: (reason: unknown) => void
}

/** One thread, which does one job at a time. It keeps the process alive only while it has one. */
export class PoolThread {
  readonly #worker: Worker
  readonly #heapMiB: number
  #job: Job | undefined
  /** Why it is there no more. */
  #death: Error | undefined

  constructor(script: URL, { heapMiB }: ThreadLimits) {
    this.#heapMiB = heapMiB
    // Nothing of the environment is a thread's business.
    this.#worker = new Worker(script, { env: {}, resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
    this.#worker.on('message', (message: unknown) => {
      this.#settle(message)
    })
    this.#worker.on('messageerror', (error) => {
      this.#die(error)
    })
    this.#worker.on('error', (error) => {
      this.#die(error)
    })
    this.#worker.on('exit', () => {
      this.#die(undefined)
    })
    this.#worker.unref()
  }

  get isAlive(): boolean {
    return this.#death === undefined
  }

  perform(job: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death)
        return
      }
      this.#job = { resolve, reject }
      this.#worker.ref()
      this.#worker.postMessage(job, transfer)
    })
  }

  async terminate(why: Error): Promise<void> {
    this.#end(why)
    await this.#worker.terminate()
  }

  #settle(message: unknown): void {
    const job = this.#job
    this.#job = undefined
    this.#worker.unref()
    try {
      job?.resolve(readAnswer(message))
    } catch (error) {
      job?.reject(error)
    }
  }

  #die(cause: unknown): void {
    if (isSystemError(cause, 'ERR_WORKER_OUT_OF_MEMORY')) {
      this.#end(
        new AppError('too-large', `reading it needs more than ${this.#heapMiB} MiB of memory`, { cause }),
      )
    } else this.#end(new AppError('unavailable', 'the thread that worked on it has failed', { cause }))
    void this.#worker.terminate()
  }

  #end(why: Error): void {
    this.#death ??= why
    this.#job?.reject(why)
    this.#job = undefined
  }
}
