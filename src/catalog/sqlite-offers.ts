import { setImmediate } from 'node:timers/promises'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Actor, type VersionId } from './actor.ts'
import {
  type NamedOffers,
  type Offer,
  type OfferAlarm,
  type OfferCount,
  type OfferDifference,
  type OfferQuery,
  type Offers,
  type OfferSelection,
  type OpenedUpstream,
  type RecordedOffers,
  type UpstreamReading,
  type UpstreamRecord,
} from './offers.ts'
import { acceptDigests } from './sqlite-accept-digests.ts'
import { raiseAlarm } from './sqlite-alarms.ts'
import { type Reader, type SqliteConnection, type Writer } from './sqlite-connection.ts'
import { type LeaseTimes, releaseLease, takeLease } from './sqlite-leases.ts'
import {
  hasAged,
  listUpstreamNames,
  openAged,
  rejectOffers,
  releaseOffers,
  relistOffers,
  retractOffers,
} from './sqlite-offer-changes.ts'
import {
  countOffers,
  findOffer,
  findOfferByFilename,
  listOfferedCharts,
  listOfferPage,
  listUpstreams,
} from './sqlite-offer-lookup.ts'
import { recordOffers } from './sqlite-offer-recording.ts'
import { forgetUpstream, noteReading, openUpstream } from './sqlite-upstreams.ts'
import { type WriteQueue } from './write-queue.ts'

/** How many offers are read at a time, with their index entries: some milliseconds' work. */
const PAGE = 200
/** How many are changed in one transaction: some milliseconds' work. */
const BATCH = 100

interface Connections {
  read<T>(fn: (tx: Reader) => T): Promise<T>
  write<T>(fn: (tx: Writer) => T): Promise<T>
}

export class SqliteOffers implements Offers {
  readonly #connections: Connections

  constructor(reader: SqliteConnection, writes: WriteQueue) {
    this.#connections = {
      read: async (fn) => Promise.resolve(reader.read(fn)),
      write: async (fn) => writes.write(fn),
    }
  }

  listUpstreams(repository: RepositoryName): Promise<readonly UpstreamRecord[]> {
    return this.#connections.read((tx) => listUpstreams(tx, repository))
  }

  findOffer(id: VersionId): Promise<Offer | undefined> {
    return this.#connections.read((tx) => findOffer(tx, id))
  }

  findOfferByFilename(repository: RepositoryName, filename: ArchiveFilename): Promise<Offer | undefined> {
    return this.#connections.read((tx) => findOfferByFilename(tx, repository, filename))
  }

  async *listOffers(repository: RepositoryName, query: OfferQuery = {}): AsyncIterable<readonly Offer[]> {
    let after: Offer | undefined
    for (;;) {
      const position = { after, limit: PAGE }
      const page = await this.#connections.read((tx) => listOfferPage(tx, repository, query, position))
      if (page.length > 0) yield page
      if (page.length < PAGE) return
      after = page.at(-1)
      await setImmediate()
    }
  }

  countOffers(repository: RepositoryName): Promise<readonly OfferCount[]> {
    return this.#connections.read((tx) => countOffers(tx, repository))
  }

  listOfferedCharts(repository: RepositoryName, upstream: string): Promise<readonly ChartName[]> {
    return this.#connections.read((tx) => listOfferedCharts(tx, repository, upstream))
  }

  async openUpstream(
    repository: RepositoryName,
    upstream: OpenedUpstream,
    by: Actor,
  ): Promise<UpstreamRecord | 'repository-unknown'> {
    const record = await this.#connections.write((tx) => openUpstream(tx, repository, upstream))
    const batch = { upstream: upstream.name, limit: BATCH, by }
    await this.#inBatches((tx) => relistOffers(tx, repository, batch))
    return record
  }

  async forgetUpstreams(
    repository: RepositoryName,
    configured: readonly string[],
    by: Actor,
  ): Promise<number> {
    const names = await this.#connections.read((tx) => listUpstreamNames(tx, repository))
    let retracted = 0
    for (const upstream of names.filter((name) => !configured.includes(name))) {
      retracted += await this.#inBatches((tx) =>
        retractOffers(tx, repository, { upstream, limit: BATCH, by }),
      )
      await this.#connections.write((tx) => {
        forgetUpstream(tx, repository, upstream)
      })
    }
    return retracted
  }

  recordOffers(
    repository: RepositoryName,
    upstream: string,
    differences: readonly OfferDifference[],
    by: Actor,
  ): Promise<RecordedOffers> {
    return this.#connections.write((tx) => recordOffers(tx, { repository, upstream, differences, by }))
  }

  noteReading(repository: RepositoryName, upstream: string, reading: UpstreamReading): Promise<void> {
    return this.#connections.write((tx) => {
      noteReading(tx, { repository, name: upstream }, reading)
    })
  }

  async openAged(repository: RepositoryName, now: Date, by: Actor): Promise<number> {
    if (!(await this.#connections.read((tx) => hasAged(tx, repository, now)))) return 0
    return this.#inBatches((tx) => openAged(tx, repository, { now, limit: BATCH, by }))
  }

  releaseOffers(selection: OfferSelection, by: Actor): Promise<readonly VersionId[]> {
    return this.#connections.write((tx) => releaseOffers(tx, selection, by))
  }

  acceptDigests(selection: NamedOffers, by: Actor): Promise<readonly VersionId[]> {
    return this.#connections.write((tx) => acceptDigests(tx, selection, by))
  }

  rejectOffers(selection: OfferSelection, by: Actor): Promise<readonly VersionId[]> {
    return this.#connections.write((tx) => rejectOffers(tx, selection, by))
  }

  raiseAlarm(id: VersionId, alarm: OfferAlarm, by: Actor): Promise<'raised' | 'known'> {
    return this.#connections.write((tx) => raiseAlarm(tx, id, alarm, by))
  }

  takeLease(name: string, owner: string, times: LeaseTimes): Promise<'held' | 'held-elsewhere'> {
    return takeLease(this.#connections, { name, owner }, times)
  }

  releaseLease(name: string, owner: string): Promise<void> {
    return this.#connections.write((tx) => {
      releaseLease(tx, name, owner)
    })
  }

  /** Until a batch is not full. Between the transactions, which are synchronous, whatever waits has its turn. */
  async #inBatches(change: (tx: Writer) => number): Promise<number> {
    for (let changed = 0; ;) {
      const batch = await this.#connections.write(change)
      changed += batch
      if (batch < BATCH) return changed
      await setImmediate()
    }
  }
}
