import { describeAudit } from './catalog/audit.ts'
import { describeBlobs } from './catalog/blobs.ts'
import { type CatalogFixture, CatalogHarness } from './catalog/harness.ts'
import { describeIndex } from './catalog/index-snapshots.ts'
import { describeLookup } from './catalog/lookup.ts'
import { describeOffers } from './catalog/offers.ts'
import { describeOutbox } from './catalog/outbox.ts'
import { describeProcesses } from './catalog/processes.ts'
import { describeProvenance } from './catalog/provenance.ts'
import { describePurging } from './catalog/purging.ts'
import { describeQuotas } from './catalog/quotas.ts'
import { describeRecording } from './catalog/recording.ts'
import { describeRecords } from './catalog/records.ts'
import { describeRepositories } from './catalog/repositories.ts'
import { describeRepositoryChanges } from './catalog/repository-changes.ts'
import { describeRevocations } from './catalog/revocations.ts'
import { describeUpstreams } from './catalog/upstreams.ts'
import { describeWithdrawal } from './catalog/withdrawal.ts'

/** What `Catalog` promises, for any implementation. */
export function describeCatalog(name: string, create: () => Promise<CatalogFixture>): void {
  describe(`${name} as a Catalog`, () => {
    const use = new CatalogHarness(create)
    beforeEach(() => use.start())
    afterEach(() => use.stop())

    describeRepositories(use)
    describeRecording(use)
    describeWithdrawal(use)
    describeProvenance(use)
    describeLookup(use)
    describeIndex(use)
    describeBlobs(use)
    describeRecords(use)
    describeRevocations(use)
    describeAudit(use)
    describeProcesses(use)
    describeRepositoryChanges(use)
    describeQuotas(use)
    describePurging(use)
    describeOutbox(use)
    describeOffers(use)
    describeUpstreams(use)
  })
}
