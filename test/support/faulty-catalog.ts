import { type Catalog } from '../../src/catalog/catalog.ts'
import { type Faults } from './faults.ts'
import { intercept } from './intercept.ts'

const STEPS = [
  'appendAudit',
  'blobsDeleted',
  'condemnBlobs',
  'findTombstone',
  'findVersion',
  'markBlobs',
  'recordVersion',
  'replaceProvenance',
  'withdrawVersion',
] as const

export type CatalogStep = (typeof STEPS)[number]

/** A catalog that is sound but for the planned fault. */
export function faultyCatalog(sound: Catalog, faults: Faults<CatalogStep>): Catalog {
  return intercept(sound, STEPS, async (step, call) => faults.pass(step, call))
}
