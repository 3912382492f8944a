import { fileURLToPath } from 'node:url'
import { freePorts } from '../../test/support/nginx.ts'
import { pinnedTo, SERVER_CORE } from '../load/cores.ts'
import { type Certificates } from './certificates.ts'
import { launch, type Server } from './server.ts'

const PROGRAM = fileURLToPath(new URL('bare-handler.ts', import.meta.url))

/** The same files from the same runtime with nothing around it: what Node itself costs, whatever we do. */
export async function startBare(
  { root, logFile }: { readonly root: string; readonly logFile: string },
  { server, caFile }: Certificates,
): Promise<Server> {
  const [port = 0] = await freePorts(1)
  const files = [root, server.certFile, server.keyFile, caFile]
  const command = [...pinnedTo(SERVER_CORE), process.execPath, PROGRAM, String(port), ...files]
  return launch({ peer: 'bare', command, port, logFile })
}
