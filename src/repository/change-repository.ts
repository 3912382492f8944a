import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { describeRepository, ROOT_REPOSITORY, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { repositoryUnknown } from './require-repository.ts'

/** Its charts go along; clients have to be told the new URL. Throws `request-invalid` and `repository-unknown`. */
export async function renameRepository(
  catalog: Catalog,
  from: RepositoryName,
  to: RepositoryName,
  actor: Actor,
): Promise<void> {
  refuseRoot('renamed', from, to)
  switch (await catalog.renameRepository(from, to, actor)) {
    case 'renamed':
      return
    case 'repository-unknown':
      throw repositoryUnknown(from)
    case 'name-taken':
      throw new AppError('request-invalid', `there is a repository ${describeRepository(to)} already`)
  }
}

/** Throws `request-invalid`, also for one that holds versions unless these are to go too, and `repository-unknown`. */
export async function deleteRepository(
  catalog: Catalog,
  name: RepositoryName,
  versions: 'delete' | 'refuse',
  actor: Actor,
): Promise<void> {
  refuseRoot('deleted', name)
  switch (await catalog.deleteRepository(name, versions, actor)) {
    case 'deleted':
      return
    case 'repository-unknown':
      throw repositoryUnknown(name)
    case 'not-empty':
      throw new AppError('request-invalid', `${name} holds charts; --force deletes them with it`)
  }
}

/** It always exists, so it can neither go nor be taken. */
function refuseRoot(what: string, ...names: readonly RepositoryName[]): void {
  if (names.includes(ROOT_REPOSITORY))
    throw new AppError('request-invalid', `the root repository cannot be ${what}`)
}
