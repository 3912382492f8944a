import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../test/support/nginx.ts'
import { pinnedTo, SERVER_CORE } from '../load/cores.ts'
import { type Certificates } from './certificates.ts'
import { launch, type Server } from './server.ts'

/** ChartMuseum over a folder of packages, a repository for each sub-folder, as its documentation says for client certificates. */
export async function startChartMuseum(
  { folder, storage }: { readonly folder: string; readonly storage: string },
  { server, caFile }: Certificates,
): Promise<Server> {
  const [port = 0] = await freePorts(1)
  await mkdir(folder, { recursive: true })
  const command = [
    ...pinnedTo(SERVER_CORE),
    'chartmuseum',
    `--port=${port}`,
    '--depth=1',
    '--storage=local',
    `--storage-local-rootdir=${storage}`,
    `--tls-cert=${server.certFile}`,
    `--tls-key=${server.keyFile}`,
    `--tls-ca-cert=${caFile}`,
  ]
  return launch({ peer: 'chartmuseum', command, port, logFile: join(folder, 'chartmuseum.log') })
}
