import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** A real nginx in the foreground: what it reads and writes is for its configuration to say. */
export class Nginx {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves once it listens on the ports. */
  static async start(config: string, ports: readonly number[]): Promise<Nginx> {
    const process = spawn('nginx', [...argumentsFor(config), '-g', 'daemon off;'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const nginx = new Nginx(process)
    const said: string[] = []
    process.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    try {
      await Promise.all(ports.map((port) => listening(port, process)))
      return nginx
    } catch (error) {
      await nginx.stop()
      throw new Error(`nginx does not serve: ${said.join('')}`, { cause: error })
    }
  }

  async stop(): Promise<void> {
    if (hasEnded(this.#process)) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }
}

/** What `nginx -t` says of a configuration file, with its exit status. */
export async function checkNginxConfig(
  config: string,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    execFile('nginx', [...argumentsFor(config), '-t'], (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'number') resolve({ code, output: stdout + stderr })
      else reject(new Error('nginx did not run to its end', { cause: error }))
    })
  })
}

/** nginx cannot say which port the system chose for it: these were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/**
 * Errors go to standard error from the start: the compiled-in log is root's. The prefix stays the compiled-in one, as
 * Debian loads its modules by relative paths.
 */
function argumentsFor(config: string): readonly string[] {
  return ['-e', 'stderr', '-c', config]
}

const START_TIMEOUT_MS = 10_000
const POLL_MS = 20

async function listening(port: number, process: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    if (hasEnded(process)) throw new Error('it has ended')
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`)
    await setTimeout(POLL_MS)
  }
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
