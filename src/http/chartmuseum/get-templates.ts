import { renderValuesJson } from '../../chart/values-json.ts'
import { AppError } from '../../errors.ts'
import { type ListDeps } from '../../repository/list-versions.ts'
import { readTemplates, type ReadChartFilesDeps } from '../../repository/read-chart-files.ts'
import { resolveStoredVersion } from '../../repository/resolve-version.ts'
import { askedThrough, type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { param, type Handler } from '../exchange.ts'
import { textReply } from '../reply.ts'
import { worded } from '../worded.ts'
import { chartNameOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

export type ReadFilesDeps = ReadChartFilesDeps & ListDeps & { readonly virtual: VirtualRepositories }

/** `{templates: [{name, data}], values}`, the data in base64: what a viewer needs to show a chart. */
export function getTemplates(deps: ReadFilesDeps): Handler<'read'> {
  return worded(versionWords, async ({ authorisation, params, actor }) => {
    const wanted = param(params, 'version')
    const name = chartNameOf(params)
    const holder = await deps.virtual.holderOf(authorisation, name)
    const by = askedThrough(actor, authorisation, holder)
    const version = await resolveStoredVersion(deps, holder, { name, wanted, actor: by })
    const { templates, values } = await readTemplates(deps, version, by)
    const files = templates.map(({ path, content }) => ({ name: path, data: content.toString('base64') }))
    return textReply(200, `{"templates":${JSON.stringify(files)},${valuesMembers(values ?? '')}}\n`, {
      headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'private, no-cache' },
      etag: `"${version.digest}.templates"`,
    })
  })
}

/** The few values that only go-yaml can read (`checkValues`) are left out, and it is said. */
function valuesMembers(valuesYaml: string): string {
  try {
    return `"values":${renderValuesJson(valuesYaml)}`
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return `"values":null,"valuesError":${JSON.stringify(error.message)}`
  }
}
