import { type VersionId } from '../catalog/catalog.ts'
import { parseChartName } from '../chart/name.ts'
import { parseChartVersion } from '../chart/version.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type Decide } from '../mirror/decide.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { cliActor, type CliContext } from './context.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withStores } from './with-stores.ts'

interface DecisionArguments {
  readonly repository: string
  readonly chart: string
  readonly versions: readonly string[]
  readonly flags: ConfigFlags
}

/** Also while the server runs. Throws `chart-unknown` where it changes nothing. */
export async function decideOnOffers(
  context: CliContext,
  { repository, chart, versions, flags }: DecisionArguments,
  decide: Decide,
): Promise<readonly VersionId[]> {
  const name = parseRepositoryArgument(repository)
  const selection = { chart: parseChartName(chart), versions: versions.map(parseChartVersion) }
  const config = await loadConfig(flags, context.environment)
  return withStores(config, ({ catalog }) =>
    decide({ catalog }, operatorAuthorisation('admin', name), selection, cliActor(context)),
  )
}
