import { createHash } from 'node:crypto'
import { dump } from 'js-yaml'
import { archiveFilename } from '../../src/chart/filename.ts'
import { type ChartMetadata } from '../../src/chart/metadata.ts'

const CREATED = '2024-01-01T00:00:00.000Z'

/** An index as `helm repo index` writes it, of packages that nobody has made. A chart's versions stand together. */
export function helmIndex(versions: Iterable<ChartMetadata>): Buffer {
  const lines = ['apiVersion: v1', 'entries:']
  let chart = ''
  for (const metadata of versions) {
    if (metadata.name !== chart) lines.push(`  ${metadata.name}:`)
    chart = metadata.name
    lines.push(entryOf(metadata))
  }
  return Buffer.from(`${lines.join('\n')}\ngenerated: "${CREATED}"\n`)
}

function entryOf(metadata: ChartMetadata): string {
  const filename = archiveFilename(metadata.name, metadata.version)
  const digest = createHash('sha256').update(filename).digest('hex')
  const entry = { ...metadata, created: CREATED, digest, urls: [`charts/${filename}`] }
  return `  - ${dump(entry, { lineWidth: -1 }).trimEnd().replaceAll('\n', '\n    ')}`
}
