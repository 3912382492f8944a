import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { describeRepository, ROOT_REPOSITORY, type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'

/**
 * The root repository always exists; others by configuration are there from the moment that it is in force. Those that
 * `before` lists are not made again: what was deleted since stays so until the next start. Throws `config-invalid` and
 * makes nothing where a repository that holds versions would be virtual: nobody would see them.
 */
export async function openRepositories(
  catalog: Catalog,
  config: Config,
  at: Date,
  before?: Config,
): Promise<void> {
  await refuseHiddenVersions(catalog, config)
  const actor: Actor = { who: 'configuration', from: 'local', requestId: 'start', at }
  const known = new Set(before && listedIn(before))
  for (const name of new Set(listedIn(config))) {
    if (known.has(name)) continue
    if ((await catalog.findRepository(name)) === undefined) await catalog.createRepository(name, actor)
  }
}

function listedIn({ repositories }: Config): readonly RepositoryName[] {
  return [ROOT_REPOSITORY, ...repositories.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))]
}

async function refuseHiddenVersions(catalog: Catalog, { repositories }: Config): Promise<void> {
  for (const { name, virtual } of repositories) {
    if (virtual === undefined || typeof name !== 'string') continue
    const versions = (await catalog.findRepository(name))?.versions ?? 0
    if (versions > 0) throw holdsVersions(name, versions)
  }
}

function holdsVersions(name: RepositoryName, versions: number): AppError {
  const what = describeRepository(name)
  const way =
    name === ROOT_REPOSITORY
      ? 'give the virtual one another name'
      : `"chartroom repo rename ${name} NEW-NAME" makes it a repository that can be a member`
  return new AppError(
    'config-invalid',
    `${what} cannot be virtual: it holds ${versions} versions of its own, which nobody would see; ${way}`,
  )
}
