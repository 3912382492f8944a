import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openTcp } from './behind-proxy.ts'
import { eventually } from './eventually.ts'

/** A real haproxy in the foreground. */
export class Haproxy {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves once it listens on the ports. */
  static async start(config: string, ports: readonly number[]): Promise<Haproxy> {
    const process = spawn('haproxy', ['-db', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    const haproxy = new Haproxy(process)
    const said: string[] = []
    process.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    try {
      await eventually(async () => {
        for (const port of ports) (await openTcp(port)).destroy()
      })
      return haproxy
    } catch (error) {
      await haproxy.stop()
      throw new Error(`haproxy does not serve: ${said.join('')}`, { cause: error })
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }
}
