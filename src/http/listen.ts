import { once } from 'node:events'
import { type Server } from 'node:net'
import { AppError } from '../errors.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Whether other processes of this user may listen there too: then the kernel spreads connections over them. */
  readonly reusePort?: boolean
}

/** Resolves once the server listens. Throws `unavailable`, naming the address, when it cannot. */
export async function listen(
  server: Server,
  { host, port, reusePort = false }: ListenAddress,
): Promise<void> {
  server.listen({ host, port, reusePort })
  await once(server, 'listening').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('unavailable', `cannot listen on ${host}:${port}: ${why}`, { cause: error })
  })
}
