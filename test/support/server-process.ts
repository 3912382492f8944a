import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Readable } from 'node:stream'
import { type Installation } from './installation.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** `chartroom <arguments>` as a process, in a process group of its own. */
export class ServerProcess {
  readonly exited: Promise<Exit>
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  #output = ''
  #port: Promise<number>

  /** The command runs under `wrapper` (`strace -o …`), if there is one. */
  static serve({ configFile }: Installation, wrapper: readonly string[] = []): ServerProcess {
    return new ServerProcess([...wrapper, process.execPath, MAIN, 'serve', '--config', configFile])
  }

  static command({ configFile }: Installation, name: string, ...flags: readonly string[]): ServerProcess {
    return new ServerProcess([process.execPath, MAIN, name, '--config', configFile, ...flags])
  }

  /** Of a command that has commands of its own: all its words. */
  static run(...args: readonly string[]): ServerProcess {
    return new ServerProcess([process.execPath, MAIN, ...args])
  }

  private constructor([program = '', ...args]: readonly string[]) {
    this.#child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.#child, 'close').then(([code, signal]: Exit[keyof Exit][]) => {
      return { code, signal } as Exit
    })
    this.#port = this.#readPort()
    // Whoever does not wait for the port learns of the end by `exited`.
    this.#port.catch(() => undefined)
  }

  /** All that it has printed, log and answers. */
  get output(): string {
    return this.#output
  }

  get pid(): number {
    // Never 0: that would be this process's own group.
    if (this.#child.pid === undefined) throw new Error('the process has not been started')
    return this.#child.pid
  }

  /** The mTLS listener's, once it listens. Rejects when the process ends before. */
  async port(): Promise<number> {
    return this.#port
  }

  /** Signals the whole group. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    try {
      process.kill(-this.pid, signal)
    } catch (error) {
      // It had ended by itself.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
    if (signal === 'SIGKILL') await this.exited
  }

  /** What the function resolves to; if it rejects, the process's output is printed first. */
  async explaining<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await fn()
    } catch (error) {
      console.error(`The server printed:\n${this.#output}`)
      throw error
    }
  }

  async #readPort(): Promise<number> {
    return new Promise((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        this.#output += chunk.toString()
        const port = /serves https:\/\/[^\s:]+:(\d+)/.exec(this.#output)?.[1]
        if (port !== undefined) resolve(Number(port))
      }
      this.#child.stdout.on('data', read)
      this.#child.stderr.on('data', read)
      this.#child.once('close', () => {
        reject(new Error(`the process ended:\n${this.#output}`))
      })
    })
  }
}
