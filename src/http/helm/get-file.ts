import { ARCHIVE_SUFFIX } from '../../chart/filename.ts'
import { openArchive, openProvenance, type OpenDeps, type OpenedFile } from '../../repository/open-chart.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { param, type Handler } from '../exchange.ts'
import { type Reply } from '../reply.ts'

export type GetFileDeps = OpenDeps & { readonly settingsOf: SettingsOf }

/** An archive's bytes never change under its name, except where the repository allows overwriting; the ETag tells. */
const IMMUTABLE = 'private, max-age=31536000, immutable'
/** A signature may be added to a version later. */
const REVALIDATE = 'private, no-cache'

/** Helm's `pull`, `install` and `dependency build`. */
export function getArchive(deps: GetFileDeps): Handler<'read'> {
  return async ({ authorisation, params }) => {
    const file = await openArchive(deps, authorisation, `${param(params, 'stem')}${ARCHIVE_SUFFIX}`)
    const { overwrite } = deps.settingsOf(authorisation.repository)
    return fileReply(file, 'application/gzip', overwrite === 'never' ? IMMUTABLE : REVALIDATE)
  }
}

/** Helm's `pull --prov` and everything with `--verify`. */
export function getProvenance(deps: GetFileDeps): Handler<'read'> {
  return async ({ authorisation, params }) => {
    const file = await openProvenance(deps, authorisation, `${param(params, 'stem')}${ARCHIVE_SUFFIX}`)
    return fileReply(file, 'application/pgp-signature', REVALIDATE)
  }
}

function fileReply(file: OpenedFile, contentType: string, caching: string): Reply {
  return {
    status: 200,
    headers: { 'content-type': contentType, 'cache-control': caching },
    etag: `"${file.digest}"`,
    body: { kind: 'file', size: file.size, open: (range) => file.open(range) },
  }
}
