import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveFilename } from '../../src/chart/filename.ts'
import { parseChartName } from '../../src/chart/name.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { parseChartVersion } from '../../src/chart/version.ts'
import { agentOf, exchange } from '../../test/support/exchange.ts'
import { temporaryFolder } from '../at-exit.ts'
import { archiveOf } from '../data/archives.ts'
import { chartVersions } from '../data/chart-versions.ts'
import { fillCatalog } from '../data/fill-catalog.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { prepareChartroom, startChartroom } from '../servers/chartroom.ts'
import { startChartMuseum } from '../servers/chartmuseum.ts'
import { startBare } from '../servers/bare.ts'
import { startNginx } from '../servers/nginx.ts'
import { type Peers } from '../servers/peers.ts'
import { Publisher } from '../servers/publish.ts'
import { type Server } from '../servers/server.ts'
import {
  ARCHIVE_BYTES,
  type ArchiveSize,
  INDEX_VERSIONS,
  type IndexSize,
  type What,
} from './serving-works.ts'

/** The same files behind every server: archives of all sizes in one repository, and a repository for each index. */
export interface ServingWorld {
  readonly certificates: Certificates
  /** Ours is the first. */
  readonly servers: readonly [Server, ...Server[]]
  stop(): Promise<void>
}

const SEED = 1
const ARCHIVES = 'archives'
const SIZES = Object.keys(ARCHIVE_BYTES) as ArchiveSize[]

export function pathOf(what: What): string {
  if ('index' in what) return `/${indexRepository(what.index)}/index.yaml`
  return `/${ARCHIVES}/charts/${filenameOf(what.archive)}`
}

export interface OurOptions {
  readonly settings: Readonly<Record<string, unknown>>
  /** For Chartroom's node, before the program. */
  readonly nodeOptions: readonly string[]
}

/** `indexes`: those that are asked for; the others are not made. */
export async function startServingWorld(
  peers: Peers,
  indexes: readonly IndexSize[],
  { settings, nodeOptions }: OurOptions,
): Promise<ServingWorld> {
  const folder = temporaryFolder()
  const certificates = await makeCertificates(folder)
  const archives = new Map(
    await Promise.all(SIZES.map(async (size) => [filenameOf(size), await packed(size)] as const)),
  )
  const chartroom = await startOurs(folder, certificates, { indexes, archives, settings, nodeOptions })
  const root = join(folder, 'files')
  if (peers.nginx !== undefined || peers.nginxS !== undefined || peers.bare !== undefined)
    await writeFiles(root, certificates, { indexes, archives, port: chartroom.port })
  const servers: [Server, ...Server[]] = [chartroom]
  if (peers.nginx !== undefined)
    servers.push(await startNginx({ ...peers.nginx, folder: join(folder, 'nginx'), root }, certificates))
  if (peers.nginxS !== undefined)
    servers.push(await startNginx({ ...peers.nginxS, folder: join(folder, 'nginx-s'), root }, certificates))
  if (peers.chartmuseum !== undefined) {
    const storage = join(folder, 'packages')
    await writePackages(storage, indexes, archives)
    servers.push(await startChartMuseum({ folder: join(folder, 'chartmuseum'), storage }, certificates))
  }
  if (peers.bare !== undefined)
    servers.push(await startBare({ root, logFile: join(folder, 'bare.log') }, certificates))
  return {
    certificates,
    servers,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

interface Contents {
  readonly indexes: readonly IndexSize[]
  readonly archives: ReadonlyMap<string, Buffer>
}

async function startOurs(
  folder: string,
  certificates: Certificates,
  { indexes, archives, settings, nodeOptions }: Contents & OurOptions,
): Promise<Server> {
  const prepared = await prepareChartroom(join(folder, 'chartroom'), certificates, settings)
  for (const index of indexes)
    await fillCatalog({
      storage: prepared.storage,
      repository: parseRepositoryName(indexRepository(index)),
      versions: chartVersions({ seed: SEED, count: INDEX_VERSIONS[index], shape: 'many' }),
    })
  const server = await startChartroom(prepared, { nodeOptions })
  const publisher = new Publisher(certificates)
  for (const archive of archives.values()) await publisher.publish(server.port, ARCHIVES, archive)
  publisher.close()
  return server
}

/** What nginx and bare Node serve: byte for byte what Chartroom serves. */
async function writeFiles(
  root: string,
  { ca, reader }: Certificates,
  { indexes, archives, port }: Contents & { readonly port: number },
): Promise<void> {
  const agent = agentOf(ca.certificatePem, reader, 'kept alive')
  await mkdir(join(root, ARCHIVES, 'charts'), { recursive: true })
  for (const [name, archive] of archives) await writeFile(join(root, ARCHIVES, 'charts', name), archive)
  for (const index of indexes) {
    const { status, bytes } = await exchange(agent, 'GET', `https://localhost:${port}${pathOf({ index })}`)
    if (status !== 200) throw new Error(`the index was answered with ${status}`)
    await mkdir(join(root, indexRepository(index)), { recursive: true })
    await writeFile(join(root, indexRepository(index), 'index.yaml'), bytes)
  }
  agent.destroy()
}

/** ChartMuseum makes its index from packages: the smallest with the same metadata. */
async function writePackages(
  storage: string,
  indexes: readonly IndexSize[],
  archives: Contents['archives'],
): Promise<void> {
  await mkdir(join(storage, ARCHIVES), { recursive: true })
  for (const [name, archive] of archives) await writeFile(join(storage, ARCHIVES, name), archive)
  for (const index of indexes) {
    await mkdir(join(storage, indexRepository(index)), { recursive: true })
    for (const metadata of chartVersions({ seed: SEED, count: INDEX_VERSIONS[index], shape: 'many' })) {
      const name = archiveFilename(metadata.name, metadata.version)
      await writeFile(join(storage, indexRepository(index), name), await archiveOf(metadata, 0))
    }
  }
}

function indexRepository(index: IndexSize): string {
  return `index-${index}`
}

function identityOf(size: ArchiveSize) {
  return { name: parseChartName(`archive-${size}`), version: parseChartVersion('1.0.0') }
}

function filenameOf(size: ArchiveSize): string {
  const { name, version } = identityOf(size)
  return archiveFilename(name, version)
}

function packed(size: ArchiveSize): Promise<Buffer> {
  return archiveOf({ apiVersion: 'v2', ...identityOf(size) }, ARCHIVE_BYTES[size])
}
