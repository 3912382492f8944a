import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Agent } from 'node:https'
import { agentOf, exchange, type Reply, type RequestOptions } from './exchange.ts'
import { eventually } from './eventually.ts'
import { type Installation } from './installation.ts'
import { ServerProcess } from './server-process.ts'
import { type TestPeer } from './test-ca.ts'

/** A connection that stays, and the worker at its other end. */
export interface WorkerConnection {
  readonly pid: number
  request(method: string, path: string, options?: RequestOptions): Promise<Reply>
}

/** A server of several processes: the one that was started, and its workers. */
export class WorkersServer {
  readonly process: ServerProcess
  readonly #installation: Installation
  readonly #agents: Agent[] = []

  constructor(installation: Installation) {
    this.#installation = installation
    this.process = ServerProcess.serve(installation)
  }

  /** Those that have served at some time, in the order of their start. */
  get pids(): readonly number[] {
    const serving = this.#logged().filter(({ msg }) => msg === 'a worker serves')
    return serving.map(({ pid }) => pid)
  }

  /** One connection to each of so many workers. */
  async reach(peer: TestPeer, workers: number): Promise<readonly WorkerConnection[]> {
    const reached = new Map<number, WorkerConnection>()
    for (let attempt = 0; reached.size < workers; attempt += 1) {
      assert.ok(attempt < MOST_ATTEMPTS, `only ${reached.size} workers were reached`)
      const connection = await this.connect(peer)
      reached.set(connection.pid, connection)
    }
    return [...reached.values()]
  }

  async connect(peer: TestPeer): Promise<WorkerConnection> {
    const agent = agentOf(this.#installation.ca.certificatePem, peer, 'kept alive')
    this.#agents.push(agent)
    const url = `https://localhost:${await this.process.port()}`
    const request: WorkerConnection['request'] = (method, path, options) =>
      exchange(agent, method, `${url}${path}`, options)
    const requestId = randomUUID()
    await request('GET', '/index.yaml', { headers: { 'x-request-id': requestId } })
    let pid = 0
    await eventually(() => {
      pid = this.#logged().find((line) => line.requestId === requestId)?.pid ?? 0
      assert.ok(pid > 0, 'the request was logged')
    })
    return { pid, request }
  }

  async ops(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const origin = /http:\/\/[^/]+(?=\/readyz)/.exec(this.process.output)?.[0] ?? ''
    const reply = await fetch(`${origin}${path}`)
    return { status: reply.status, text: await reply.text() }
  }

  /** Of all series of this name. */
  async metric(name: string): Promise<number> {
    const { text } = await this.ops('/metrics')
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async kill(): Promise<void> {
    for (const agent of this.#agents) agent.destroy()
    await this.process.kill('SIGKILL')
  }

  #logged(): readonly { readonly pid: number; readonly msg?: string; readonly requestId?: string }[] {
    const lines = this.process.output.split('\n').filter((line) => /^\{.*"pid":.*\}$/.test(line))
    return lines.map((line) => JSON.parse(line) as { pid: number })
  }
}

/** The kernel chooses by a hash of the addresses: of two workers, one is missed so often once in 2^50 runs. */
const MOST_ATTEMPTS = 50

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
