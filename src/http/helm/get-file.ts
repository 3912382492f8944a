import { ARCHIVE_SUFFIX } from '../../chart/filename.ts'
import { openArchive, openProvenance, type OpenDeps, type OpenedFile } from '../../repository/open-chart.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { askedThrough, type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { param, type Handler } from '../exchange.ts'
import { type Reply } from '../reply.ts'
import { worded, type Words } from '../worded.ts'

export type GetFileDeps = OpenDeps & {
  readonly settingsOf: SettingsOf
  readonly virtual: VirtualRepositories
}

/**
 * An archive's bytes never change under its name, except where the repository allows it, or is virtual and may get other
 * members; then the ETag tells.
 */
const IMMUTABLE = 'private, max-age=31536000, immutable'
/** A signature may be added to a version later. */
const REVALIDATE = 'private, no-cache'

/** Helm's `pull`, `install` and `dependency build`. */
export function getArchive(deps: GetFileDeps): Handler<'read'> {
  return worded(fileWords, async ({ authorisation, params, actor }) => {
    const filename = `${param(params, 'stem')}${ARCHIVE_SUFFIX}`
    const holder = await deps.virtual.holderOfFile(authorisation, filename)
    const by = askedThrough(actor, authorisation, holder)
    const file = await openArchive(deps, holder, { filename, actor: by })
    const { overwrite, tombstones, virtual } = deps.settingsOf(authorisation.repository)
    const isForever = overwrite === 'never' && tombstones === 'keep' && virtual === undefined
    return fileReply(file, 'application/gzip', isForever ? IMMUTABLE : REVALIDATE)
  })
}

/** Helm's `pull --prov` and everything with `--verify`. */
export function getProvenance(deps: GetFileDeps): Handler<'read'> {
  return worded(fileWords, async ({ authorisation, params, actor }) => {
    const filename = `${param(params, 'stem')}${ARCHIVE_SUFFIX}`
    const holder = await deps.virtual.holderOfFile(authorisation, filename)
    const by = askedThrough(actor, authorisation, holder)
    const file = await openProvenance(deps, holder, { filename, actor: by })
    return fileReply(file, 'application/pgp-signature', REVALIDATE)
  })
}

/** RFC 9211. What was fetched was stored first. */
const CACHE_STATUS = { hit: 'chartroom; hit', fetched: 'chartroom; fwd=uri-miss; stored' } as const

function fileWords(): Words {
  return { 'chart-unknown': 'object not found' }
}

function fileReply(file: OpenedFile, contentType: string, caching: string): Reply {
  return {
    status: 200,
    headers: {
      'content-type': contentType,
      'cache-control': caching,
      ...(file.cacheStatus && { 'cache-status': CACHE_STATUS[file.cacheStatus] }),
    },
    etag: `"${file.digest}"`,
    body: { kind: 'file', size: file.size, open: (range) => file.open(range) },
  }
}
