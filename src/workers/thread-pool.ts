import { AppError } from '../errors.ts'
import { PoolThread, type ThreadLimits } from './pool-thread.ts'

export interface PoolOptions {
  /** The module that each thread runs: a URL. It serves messages with `serveJobs`. */
  readonly script: URL
  /** A thread is started when there is work that no other is free for. */
  readonly mostThreads: number
  /** Jobs that may wait for a thread; one more is refused. */
  readonly mostWaiting: number
  readonly limits: ThreadLimits
}

/** What goes to a thread: a value to clone, and the buffers in it that are handed over instead. */
export interface Parcel<Job> {
  readonly job: Job
  readonly transfer?: readonly ArrayBuffer[]
}

interface Waiting<Job> {
  readonly pack: () => Promise<Parcel<Job>>
  readonly resolve: (result: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Threads for work that would hold up this one. Each does one job at a time, in the order of their coming. A thread that
 * dies takes with it the job that it had and no other; the next job finds another thread.
 */
export class ThreadPool<Job> {
  readonly #options: PoolOptions
  readonly #waiting: Waiting<Job>[] = []
  readonly #idle: PoolThread[] = []
  readonly #threads = new Set<PoolThread>()
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /**
   * What the job gives, or throws. `pack` is called once a thread is there for it, so that nothing large waits in memory.
   * Rejects with `unavailable` when too many jobs wait, the thread dies or the pool is closed; with `too-large` where the
   * job needed more memory than a thread may have.
   */
  run(pack: () => Promise<Parcel<Job>>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) reject(closedError())
      else if (this.#waiting.length >= this.#options.mostWaiting) reject(overloaded())
      else {
        this.#waiting.push({ pack, resolve, reject })
        this.#assign()
      }
    })
  }

  /** Jobs that wait or are under way are refused. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(closedError())
    await Promise.all(Array.from(this.#threads, (thread) => thread.terminate(closedError())))
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop() ?? this.#start()
      if (thread === undefined) return
      const next = this.#waiting.shift()
      if (next !== undefined) void this.#work(thread, next)
    }
  }

  #start(): PoolThread | undefined {
    if (this.#threads.size >= this.#options.mostThreads) return undefined
    const thread = new PoolThread(this.#options.script, this.#options.limits)
    this.#threads.add(thread)
    return thread
  }

  async #work(thread: PoolThread, { pack, resolve, reject }: Waiting<Job>): Promise<void> {
    try {
      const { job, transfer = [] } = await pack()
      if (this.#closed) throw closedError()
      resolve(await thread.perform(job, transfer))
    } catch (error) {
      reject(error)
    }
    if (thread.isAlive) this.#idle.push(thread)
    else this.#threads.delete(thread)
    if (!this.#closed) this.#assign()
  }
}

function overloaded(): AppError {
  return new AppError('unavailable', 'too many charts are being read and signed at the same time; try again')
}

function closedError(): AppError {
  return new AppError('unavailable', 'the server is shutting down')
}
