import { type Catalog, type RepositoryRecord } from '../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'

/** Throws `repository-unknown`. */
export async function requireRepository(catalog: Catalog, name: RepositoryName): Promise<RepositoryRecord> {
  const record = await catalog.findRepository(name)
  if (record === undefined) throw repositoryUnknown(name)
  return record
}

export function repositoryUnknown(name: RepositoryName): AppError {
  return new AppError('repository-unknown', `there is no repository ${describeRepository(name)}`)
}
