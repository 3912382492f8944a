import { isUtf8 } from 'node:buffer'
import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartMetadata } from '../chart/metadata.ts'
import { AppError } from '../errors.ts'
import { parseClearSigned, type ClearSigned } from './clear-signed.ts'
import { readSections, type Sections } from './read-sections.ts'
import { renderMetadata } from './render-metadata.ts'

/** The most that a publisher may send: room for metadata with long annotations, little to parse in one go. */
export const MOST_PROVENANCE_BYTES = 1024 * 1024

/** What is read back may have our signature in front, or metadata from a `Chart.yaml` as large as the limit. */
const MOST_STORED_BYTES = 2 * MOST_PROVENANCE_BYTES

/** Helm's separator (`provenance.parseMessageBlock`): YAML's own would have to be dash-escaped. */
const SECTION_END = '\n...\n'

export interface MessageSubject {
  readonly metadata: ChartMetadata
  readonly filename: ArchiveFilename
  readonly digest: Digest
}

/** What a provenance file of this archive signs, in Helm's form (`provenance.messageBlock`), without a last line end. */
export function renderProvenanceMessage({ metadata, filename, digest }: MessageSubject): string {
  return `${renderMetadata(metadata)}${SECTION_END}files:\n  ${filename}: sha256:${digest}`
}

export type ParsedProvenance = ClearSigned & Sections

/** Reads the file as Helm does, without looking at its signatures. Throws `provenance-invalid` or `too-large`. */
export function parseProvenance(provenance: Buffer | string): ParsedProvenance {
  const bytes = Buffer.from(provenance)
  if (bytes.length > MOST_STORED_BYTES) {
    throw new AppError('too-large', `a provenance file may have at most ${MOST_STORED_BYTES} bytes`)
  }
  if (!isUtf8(bytes)) throw invalid('is not UTF-8 text')

  const clearSigned = parseClearSigned(bytes.toString('utf8'))
  const [metadata, files] = `${clearSigned.text}\n`.split(SECTION_END)
  if (metadata === undefined || files === undefined) {
    throw invalid('does not have the two sections that Helm writes, metadata and files')
  }
  return { ...clearSigned, ...readSections({ metadata, files, maxLength: MOST_STORED_BYTES }) }
}

function invalid(what: string): AppError {
  return new AppError('provenance-invalid', `the provenance file ${what}`)
}
