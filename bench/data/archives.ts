import { chart } from '../../test/support/chart-builder.ts'
import { type ChartMetadata } from '../../src/chart/metadata.ts'
import { randomBytesOf } from './random-bytes.ts'

/** Below Helm's limit of 5 MiB for one file of an archive. */
const MOST_FILE_BYTES = 4 * 1024 * 1024

/** A valid chart's archive of about so many bytes. */
export async function archiveOf(metadata: ChartMetadata, bytes: number): Promise<Buffer> {
  const { name, version } = metadata
  const empty = await chart({ name, version, metadata: { ...metadata } })
  const filling = Math.max(0, bytes - empty.length)
  const files = Object.fromEntries(
    Array.from({ length: Math.ceil(filling / MOST_FILE_BYTES) }, (_nothing, index) => {
      const length = Math.min(MOST_FILE_BYTES, filling - index * MOST_FILE_BYTES)
      return [`files/${index}.bin`, randomBytesOf(`${name} ${version} ${index}`, length)]
    }),
  )
  return chart({
    name,
    version,
    metadata: { ...metadata },
    files: { 'values.yaml': 'replicas: 1\n', ...files },
  })
}
