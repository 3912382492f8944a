import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { dump } from 'js-yaml'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { DEFAULT_ACCESS, testSigningKey } from '../../test/support/installation.ts'
import { freePorts } from '../../test/support/nginx.ts'
import { pinnedTo, SERVER_CORE } from '../load/cores.ts'
import { type Certificates } from './certificates.ts'
import { launch, type Server } from './server.ts'

/** A folder that Chartroom can be started in, as often as one likes. */
export interface ChartroomFolder {
  readonly path: string
  readonly configFile: string
  readonly storage: string
  readonly port: number
  readonly opsPort: number
}

/** Everything on the command line but the command. */
export function chartroomCommand(cores: readonly number[], ...args: readonly string[]): readonly string[] {
  return [...pinnedTo(...cores), process.execPath, MAIN, ...args]
}

export interface ChartroomServer extends Server {
  readonly opsPort: number
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** Everything is at its default but ports, paths and what `settings` say. */
export async function prepareChartroom(
  path: string,
  { caFile, server }: Certificates,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ChartroomFolder> {
  const [port = 0, opsPort = 0] = await freePorts(2)
  const folder = {
    path,
    configFile: join(path, 'chartroom.yaml'),
    storage: join(path, 'storage'),
    port,
    opsPort,
  }
  await mkdir(join(path, 'certs'), { recursive: true })
  const armored = await testSigningKey()
  const { publicKeyring } = await SigningKey.open({ armored })
  await writeFile(join(path, 'certs/provenance.key.asc'), armored, { mode: 0o600 })
  await writeFile(join(path, 'certs/provenance.gpg'), publicKeyring.toBinary())
  const tls = {
    certificate: server.certFile,
    key: server.keyFile,
    clientCAs: [{ name: 'built-in', file: caFile }],
  }
  const addresses = { listen: `127.0.0.1:${port}`, ops: `127.0.0.1:${opsPort}` }
  await writeFile(folder.configFile, dump({ ...addresses, tls, access: DEFAULT_ACCESS, ...settings }))
  return folder
}

export interface ChartroomOptions {
  readonly cores?: readonly number[]
  /** For node, before the program. */
  readonly nodeOptions?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export async function startChartroom(
  { path, configFile, port, opsPort }: ChartroomFolder,
  { cores = [SERVER_CORE], nodeOptions = [], environment = {} }: ChartroomOptions = {},
): Promise<ChartroomServer> {
  const command = [
    ...pinnedTo(...cores),
    process.execPath,
    ...nodeOptions,
    MAIN,
    'serve',
    '--config',
    configFile,
  ]
  const server = await launch({
    peer: 'chartroom',
    command,
    port,
    logFile: join(path, 'chartroom.log'),
    environment,
  })
  await ready(opsPort)
  return { ...server, opsPort }
}

const POLL_MS = 5

/** As a kubelet asks. */
async function ready(opsPort: number): Promise<void> {
  for (;;) {
    try {
      if ((await fetch(`http://127.0.0.1:${opsPort}/readyz`)).ok) return
    } catch {
      // It does not listen yet.
    }
    await setTimeout(POLL_MS)
  }
}
