import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartMetadata } from '../chart/metadata.ts'

/**
 * One version's entry in the index, serialised: the metadata and Helm's `repo.ChartVersion` fields. `urls` is relative,
 * so that the same text is right behind every host name.
 */
export function renderEntry(
  metadata: ChartMetadata,
  version: { readonly filename: ArchiveFilename; readonly digest: Digest; readonly createdAt: Date },
): string {
  return jsonForYaml({
    ...metadata,
    urls: [`charts/${version.filename}`],
    created: version.createdAt.toISOString(),
    digest: version.digest,
  })
}

/**
 * JSON that every YAML parser takes as well (Helm before 3.13 reads the index with go-yaml): characters outside YAML
 * 1.1's printable set, its line breaks and the byte order mark are escaped. `JSON.stringify` has escaped the C0 ones.
 */
export function jsonForYaml(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
