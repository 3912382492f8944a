import { once } from 'node:events'
import { type Server } from 'node:net'
import { AppError } from '../errors.ts'

/** Resolves once the server listens. Throws `unavailable`, naming the address, when it cannot. */
export async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  server.listen({ host, port })
  await once(server, 'listening').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('unavailable', `cannot listen on ${host}:${port}: ${why}`, { cause: error })
  })
}
