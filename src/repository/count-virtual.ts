import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type VirtualRepositories } from './virtual-repositories.ts'

export interface VirtualCount {
  /** Of the newest change in any member. */
  readonly changedAt?: Date
  readonly revision: number
  readonly charts: number
  readonly versions: number
}

/** How much of a virtual repository this identity may see: nothing, while one of its members is not there. */
export async function countVirtual(
  { virtual }: { readonly virtual: VirtualRepositories },
  authorisation: Authorisation<'read'>,
): Promise<VirtualCount> {
  try {
    const served = await virtual.readIndex(authorisation)
    if (served === undefined) return NOTHING
    const { revision, changedAt, size: charts, versions } = served.index
    return { revision, changedAt, charts, versions }
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'unavailable')) throw error
    return NOTHING
  }
}

const NOTHING: VirtualCount = { revision: 0, charts: 0, versions: 0 }
