import { randomBytes } from 'node:crypto'
import { type ChangeEvent, type ChangeKind } from '../catalog/outbox.ts'
import { archiveFilename } from '../chart/filename.ts'

/** What a receiver gets, as JSON. */
export interface Message {
  /** The same for every delivery of one event: receivers tell repetitions by it. */
  readonly id: string
  readonly event: ChangeKind | 'ping'
  /** `''` is the root repository. */
  readonly repository?: string
  readonly chart?: string
  readonly version?: string
  readonly digest?: string
  readonly at: string
  readonly by: string
  /** What is wrong, of a `mirror-alarm`; `digest` is then the one that was found. */
  readonly alarm?: { readonly kind: string; readonly reason: string }
  /** Where the archive is, or was before it was deleted; of a ping, the server's. */
  readonly url: string
}

/** `serverUrl` ends with the context path. */
export function changeMessage(event: ChangeEvent, serverUrl: string): Message {
  const { id, kind, repository, chart, version, digest, at, by, alarm } = event
  const folder = [serverUrl, ...(repository === '' ? [] : [repository]), 'charts'].join('/')
  return {
    id,
    event: kind,
    repository,
    chart,
    version,
    ...(digest !== undefined && { digest: `sha256:${digest}` }),
    ...(alarm && { alarm }),
    at: at.toISOString(),
    by,
    url: `${folder}/${encodeURIComponent(archiveFilename(chart, version))}`,
  }
}

export function pingMessage(by: string, at: Date, serverUrl: string): Message {
  return { id: randomBytes(16).toString('hex'), event: 'ping', at: at.toISOString(), by, url: serverUrl }
}
