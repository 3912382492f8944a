import { ARCHIVE_SUFFIX, readingsOf, type ArchiveFilename, type FilenameReading } from '../chart/filename.ts'
import { type Authorisation } from '../policy/policy.ts'

/**
 * What the file name can mean, before anybody has looked what is there. Throws `not-allowed` where the caller may read none
 * of it: the answer is the same whether there is such a file or not.
 */
export function requireReading(
  authorisation: Authorisation<'read'>,
  filename: ArchiveFilename | undefined,
): readonly FilenameReading[] {
  const readings = readingsOf(filename?.slice(0, -ARCHIVE_SUFFIX.length) ?? '')
  const { chartScope } = authorisation
  if (chartScope === undefined || readings.some(({ name }) => chartScope.covers(name))) return readings
  for (const { name } of readings) authorisation.requireChart(name)
  return readings
}
