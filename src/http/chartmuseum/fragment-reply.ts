import { type ListedVersion } from '../../repository/list-versions.ts'
import { type Reply } from '../reply.ts'
import { textReply } from '../reply.ts'

/** As it stands in the index, and whether its archive was taken leniently: of that the index cannot speak. */
export function renderVersion(version: ListedVersion): string {
  const { fragment } = version
  const isStrict = !('reading' in version) || version.reading === 'strict'
  return isStrict ? fragment : `${fragment.slice(0, -1)},"lenient":true}`
}

/** JSON that the catalog holds already. */
export function fragmentReply(json: string): Reply {
  return textReply(200, `${json}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'private, no-cache' },
  })
}
