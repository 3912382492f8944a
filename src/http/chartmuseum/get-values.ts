import { readValues } from '../../repository/read-chart-files.ts'
import { resolveStoredVersion } from '../../repository/resolve-version.ts'
import { askedThrough } from '../../repository/virtual-repositories.ts'
import { param, type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { type ReadFilesDeps } from './get-templates.ts'
import { chartNameOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

/** A version's `values.yaml` as it is. */
export function getValues(deps: ReadFilesDeps): Handler<'read'> {
  return worded(versionWords, async ({ authorisation, params, actor }) => {
    const wanted = param(params, 'version')
    const name = chartNameOf(params)
    const holder = await deps.virtual.holderOf(authorisation, name)
    const by = askedThrough(actor, authorisation, holder)
    const version = await resolveStoredVersion(deps, holder, { name, wanted, actor: by })
    const values = await readValues(deps, version, by)
    return {
      status: 200,
      headers: { 'content-type': 'application/yaml', 'cache-control': 'private, no-cache' },
      etag: `"${version.digest}.values"`,
      body: { kind: 'bytes', bytes: () => [values] },
    }
  })
}
