import { fork, type ChildProcess } from 'node:child_process'
import { extname, join } from 'node:path'
import { AppError } from '../errors.ts'
import { CHECK_TIMEOUT_MS } from '../ops/readiness.ts'
import { type Answers, type FromWorker, type ToWorker } from './messages.ts'

/** Beside this file, with the same extension: `.ts`, or `.js` once it is built. */
const PROGRAM = join(import.meta.dirname, `worker${extname(import.meta.filename)}`)

/** After it, nobody waits for the answer any more: a scrape or a probe has to be answered without. */
const ANSWER_MS = { metrics: 1000, readiness: CHECK_TIMEOUT_MS + 1000 } as const

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The supervisor's side of one worker. */
export class WorkerProcess {
  /** Resolves with its port once it serves. Rejects with what it says when it cannot, and `unavailable` when it ends. */
  readonly serving: Promise<number>
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #pending = new Map<number, (answer: Answers[keyof Answers] | undefined) => void>()
  #questions = 0
  #serves = false

  constructor(start: ToWorker & { readonly kind: 'start' }) {
    this.#child = fork(PROGRAM, { serialization: 'advanced' })
    this.exited = this.#ended()
    this.serving = this.#started()
    this.#tell(start)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get serves(): boolean {
    return this.#serves
  }

  reload(): void {
    this.#tell({ kind: 'reload' })
  }

  drain(): void {
    this.#tell({ kind: 'drain' })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async askMetrics(): Promise<Answers['metrics'] | undefined> {
    return this.ask('metrics', ANSWER_MS.metrics)
  }

  async askReadiness(): Promise<Answers['readiness'] | undefined> {
    return this.ask('readiness', ANSWER_MS.readiness)
  }

  /** `undefined` when it does not answer in time, or has ended. */
  async ask<Q extends keyof Answers>(question: Q, withinMs: number): Promise<Answers[Q] | undefined> {
    if (!this.#child.connected) return undefined
    const id = (this.#questions += 1)
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<Answers[keyof Answers] | undefined>((resolve) => {
      this.#pending.set(id, resolve)
      timer = setTimeout(resolve, withinMs, undefined)
      this.#tell({ kind: 'ask', question, id })
    })
    try {
      return (await answer) as Answers[Q] | undefined
    } finally {
      clearTimeout(timer)
      this.#pending.delete(id)
    }
  }

  async #ended(): Promise<Exit> {
    const child = this.#child
    return new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#serves = false
        for (const settle of this.#pending.values()) settle(undefined)
        const exit = { code, signal }
        // What it said last is read before its channel closes, which may be after its end.
        if (!child.connected) resolve(exit)
        else
          child.once('disconnect', () => {
            resolve(exit)
          })
      })
      // Without a pid, the system has not let it start.
      child.on('error', () => {
        if (child.pid === undefined) resolve({ code: null, signal: null })
      })
    })
  }

  async #started(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (message: FromWorker) => {
        if (message.kind === 'answer') this.#pending.get(message.id)?.(message.answer)
        else if (message.kind === 'refused') reject(new AppError(message.code, message.message))
        else {
          this.#serves = true
          resolve(message.port)
        }
      })
      const ended = ({ code, signal }: Exit): void => {
        const how = signal ?? `exit status ${code ?? 'unknown'}`
        reject(new AppError('unavailable', `a worker ended before it served (${how})`))
      }
      this.exited.then(ended, reject)
    })
  }

  #tell(message: ToWorker): void {
    // One that is gone cannot be told anything: `exited` says so.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }
}
