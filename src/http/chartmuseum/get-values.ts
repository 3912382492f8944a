import { readValues } from '../../repository/read-chart-files.ts'
import { resolveVersion } from '../../repository/resolve-version.ts'
import { param, type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { type ReadFilesDeps } from './get-templates.ts'
import { chartNameOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

/** A version's `values.yaml` as it is. */
export function getValues(deps: ReadFilesDeps): Handler<'read'> {
  return worded(versionWords, async ({ authorisation, params, actor }) => {
    const wanted = param(params, 'version')
    const version = await resolveVersion(deps, authorisation, chartNameOf(params), wanted)
    const values = await readValues(deps, version, actor)
    return {
      status: 200,
      headers: { 'content-type': 'application/yaml', 'cache-control': 'private, no-cache' },
      etag: `"${version.digest}.values"`,
      body: { kind: 'bytes', bytes: () => [values] },
    }
  })
}
