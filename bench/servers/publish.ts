import { type Agent } from 'node:https'
import { agentOf, exchange } from '../../test/support/exchange.ts'
import { type Certificates } from './certificates.ts'

/** Publishes over one connection that is kept alive; the answer's time is in milliseconds. */
export class Publisher {
  readonly #agent: Agent

  constructor({ ca, admin }: Certificates) {
    this.#agent = agentOf(ca.certificatePem, admin, 'kept alive')
  }

  async publish(port: number, repository: string, archive: Buffer): Promise<number> {
    const start = performance.now()
    const url = `https://localhost:${port}/api/${repository}/charts`
    const { status, bytes } = await exchange(this.#agent, 'POST', url, { body: archive })
    if (status !== 201) throw new Error(`publishing was answered with ${status}: ${bytes.toString()}`)
    return performance.now() - start
  }

  close(): void {
    this.#agent.destroy()
  }
}
