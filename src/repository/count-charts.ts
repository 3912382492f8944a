import { type Catalog } from '../catalog/catalog.ts'
import { type Authorisation } from '../policy/policy.ts'

/** How much of the repository this identity may see. */
export async function countCharts(
  { catalog }: { readonly catalog: Catalog },
  authorisation: Authorisation<'read'>,
): Promise<{ readonly charts: number; readonly versions: number }> {
  const counts = await catalog.countVersions(authorisation.repository)
  const scope = authorisation.chartScope
  const visible = scope === undefined ? counts : counts.filter(({ name }) => scope.covers(name))
  return { charts: visible.length, versions: visible.reduce((sum, { versions }) => sum + versions, 0) }
}
