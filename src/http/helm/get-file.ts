import { ARCHIVE_SUFFIX } from '../../chart/filename.ts'
import { openArchive, openProvenance, type OpenDeps, type OpenedFile } from '../../repository/open-chart.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { param, type Handler } from '../exchange.ts'
import { type Reply } from '../reply.ts'
import { worded, type Words } from '../worded.ts'

export type GetFileDeps = OpenDeps & { readonly settingsOf: SettingsOf }

/** An archive's bytes never change under its name, except where the repository allows it; then the ETag tells. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
/** A signature may be added to a version later. */
const REVALIDATE = 'private, no-cache'

/** Helm's `pull`, `install` and `dependency build`. */
export function getArchive(deps: GetFileDeps): Handler<'read'> {
  return worded(fileWords, async ({ authorisation, params, actor }) => {
    const filename = `${param(params, 'stem')}${ARCHIVE_SUFFIX}`
    const file = await openArchive(deps, authorisation, { filename, actor })
    const { overwrite, tombstones } = deps.settingsOf(authorisation.repository)
    const isForever = overwrite === 'never' && tombstones === 'keep'
    return fileReply(file, 'application/gzip', isForever ? IMMUTABLE : REVALIDATE)
  })
}

/** Helm's `pull --prov` and everything with `--verify`. */
export function getProvenance(deps: GetFileDeps): Handler<'read'> {
  return worded(fileWords, async ({ authorisation, params, actor }) => {
    const filename = `${param(params, 'stem')}${ARCHIVE_SUFFIX}`
    const file = await openProvenance(deps, authorisation, { filename, actor })
    return fileReply(file, 'application/pgp-signature', REVALIDATE)
  })
}

function fileWords(): Words {
  return { 'chart-unknown': 'object not found' }
}

function fileReply(file: OpenedFile, contentType: string, caching: string): Reply {
  return {
    status: 200,
    headers: { 'content-type': contentType, 'cache-control': caching },
    etag: `"${file.digest}"`,
    body: { kind: 'file', size: file.size, open: (range) => file.open(range) },
  }
}
