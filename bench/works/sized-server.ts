import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveFilename } from '../../src/chart/filename.ts'
import { parseChartName } from '../../src/chart/name.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { parseChartVersion } from '../../src/chart/version.ts'
import { archiveOf } from '../data/archives.ts'
import { chartVersions, type Shape } from '../data/chart-versions.ts'
import { fillCatalog } from '../data/fill-catalog.ts'
import { LoadGenerator } from '../load/load.ts'
import { type ChartroomFolder, prepareChartroom } from '../servers/chartroom.ts'
import { startChartMuseum } from '../servers/chartmuseum.ts'
import { type Server } from '../servers/server.ts'
import { type Context } from './context.ts'

/** The repository that is of a size. */
export const REPOSITORY = 'stable'
export const INDEX_PATH = `/${REPOSITORY}/index.yaml`

const SEED = 2
const LEAST_ENTRY_BYTES = 500

export interface Size {
  readonly versions: number
  readonly shape?: Shape
}

/** Chartroom, not yet started, with so many versions. */
export async function prepareSized(
  { certificates, folder, settings }: Context,
  { versions, shape = 'many' }: Size,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ChartroomFolder> {
  const prepared = await prepareChartroom(join(folder, `chartroom-${versions}-${shape}`), certificates, {
    ...settings,
    ...more,
  })
  await fillCatalog({
    storage: prepared.storage,
    repository: parseRepositoryName(REPOSITORY),
    versions: chartVersions({ seed: SEED, count: versions, shape }),
  })
  return prepared
}

/** ChartMuseum with packages of the same metadata. */
export async function startSizedMuseum({ certificates, folder }: Context, versions: number): Promise<Server> {
  const own = join(folder, `chartmuseum-${versions}`)
  const packages = join(own, 'packages', REPOSITORY)
  await mkdir(packages, { recursive: true })
  for (const metadata of chartVersions({ seed: SEED, count: versions, shape: 'many' })) {
    const name = archiveFilename(metadata.name, metadata.version)
    await writeFile(join(packages, name), await archiveOf(metadata, 0))
  }
  const server = await startChartMuseum({ folder: own, storage: join(own, 'packages') }, certificates)
  // It makes its index on the first request for one; a publish before that would leave it with that chart alone.
  const { bodyBytes } = await new LoadGenerator(certificates.reader).once({
    port: server.port,
    path: INDEX_PATH,
  })
  if (bodyBytes < versions * LEAST_ENTRY_BYTES)
    throw new Error(`ChartMuseum's index has ${bodyBytes} bytes only`)
  return server
}

export interface Upload {
  readonly filename: string
  readonly archive: Buffer
}

/** A small chart that is in no repository yet: the versions of some charts grow in turns. */
export async function uploadOf(count: number): Promise<Upload> {
  const name = parseChartName(`upload-${count % 20}`)
  const version = parseChartVersion(`1.0.${count}`)
  const archive = await archiveOf({ apiVersion: 'v2', name, version }, 2000)
  return { filename: archiveFilename(name, version), archive }
}
