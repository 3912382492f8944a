import { Readable } from 'node:stream'
import { type ArchiveReading, type ChartArchive, readChartArchive } from '../chart/archive.ts'

/** What a thread is asked for. The bytes are its own. */
export interface ReadJob {
  readonly archive: Uint8Array<ArrayBuffer>
  readonly reading: ArchiveReading
}

export async function performJob({ archive, reading }: ReadJob): Promise<ChartArchive> {
  return readChartArchive(Readable.from([Buffer.from(archive.buffer)]), reading)
}
