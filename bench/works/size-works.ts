import { measureAfterPublish } from './after-publish.ts'
import { measureBurst } from './burst.ts'
import { type Work } from './context.ts'
import { measureCurve } from './curve.ts'
import { measureHelm } from './helm.ts'
import { measureImport } from './import.ts'
import { measureMirror } from './mirror.ts'
import { type SizeName } from './names.ts'
import { measurePublish } from './publish-at-size.ts'
import { measureSoak } from './soak.ts'
import { measureStalled } from './stalled.ts'
import { measureStart } from './start.ts'
import { measureVisible } from './visible.ts'
import { measureWorkers } from './workers.ts'

export const SIZE_WORKS: Readonly<Record<SizeName, Work>> = {
  stalled: measureStalled,
  helm: measureHelm,
  publish: measurePublish,
  visible: measureVisible,
  'after-publish': measureAfterPublish,
  start: measureStart,
  workers: measureWorkers,
  import: measureImport,
  mirror: measureMirror,
  burst: measureBurst,
  soak: measureSoak,
  curve: measureCurve,
}
