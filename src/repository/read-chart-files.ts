import { type BlobStore } from '../blobs/blob-store.ts'
import { type Actor, type AuditEntry, type VersionRecord } from '../catalog/catalog.ts'
import { readArchiveMembers } from '../chart/archive-members.ts'
import { VALUES_YAML } from '../chart/values.ts'
import { type ChartFile } from '../chart/write-archive.ts'
import { AppError } from '../errors.ts'
import { auditRead } from './audit-read.ts'
import { openBlob } from './read-blob.ts'

export interface ReadChartFilesDeps {
  readonly blobs: BlobStore
  /** As for whole archives (`open-chart.ts`). */
  readonly noteRead: (entry: AuditEntry) => void
}

/** They are held in memory; charts with more are to be pulled. */
const MOST_BYTES = 16 * 1024 * 1024

const TEMPLATES = 'templates/'

/** The version's own templates, and its `values.yaml` if it has one. Throws `too-large`. */
export async function readTemplates(
  deps: ReadChartFilesDeps,
  version: VersionRecord,
  actor: Actor,
): Promise<{ readonly templates: readonly ChartFile[]; readonly values: string | undefined }> {
  const files = await readFiles(deps, version, { actor, detail: 'templates' }, (path) => {
    return path.startsWith(TEMPLATES) || path === VALUES_YAML.name
  })
  return {
    templates: files.filter(({ path }) => path.startsWith(TEMPLATES)),
    values: files.find(({ path }) => path === VALUES_YAML.name)?.content.toString('utf8'),
  }
}

/** The version's `values.yaml` as it is. Throws `chart-unknown` when it has none. */
export async function readValues(
  deps: ReadChartFilesDeps,
  version: VersionRecord,
  actor: Actor,
): Promise<Buffer> {
  const reading = { actor, detail: 'values' } as const
  const [values] = await readFiles(deps, version, reading, (path) => path === VALUES_YAML.name)
  if (values !== undefined) return values.content
  throw new AppError('chart-unknown', `${version.name} ${version.version} has no values.yaml`)
}

interface Reading {
  readonly actor: Actor
  readonly detail: 'templates' | 'values'
}

async function readFiles(
  { blobs, noteRead }: ReadChartFilesDeps,
  { repository, name: chart, version, digest }: VersionRecord,
  { actor, detail }: Reading,
  wants: (path: string) => boolean,
): Promise<readonly ChartFile[]> {
  noteRead({ ...auditRead(actor, detail), repository, chart, version })
  return readArchiveMembers(await openBlob(blobs, digest), { wants, maxBytes: MOST_BYTES })
}
