import { equal } from 'node:assert/strict'
import { type Catalog, type NewVersion } from '../../../src/catalog/catalog.ts'
import { type Digest } from '../../../src/chart/digest.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, NOON, RULES } from '../../support/catalog-samples.ts'

export interface CatalogFixture {
  /** Each call opens the same catalog anew, as another process would. */
  open(): Promise<Catalog>
  remove(): Promise<void>
}

/** A new catalog for each test, and what the tests say in one line. */
export class CatalogHarness {
  readonly create: () => Promise<CatalogFixture>
  #fixture: CatalogFixture | undefined
  #opened: Catalog[] = []

  constructor(create: () => Promise<CatalogFixture>) {
    this.create = create
  }

  async start(): Promise<void> {
    this.#fixture = await this.create()
    await this.open()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((catalog) => catalog.close()))
    await this.#fixture?.remove()
  }

  get catalog(): Catalog {
    const [first] = this.#opened
    if (first === undefined) throw new Error('only within a test')
    return first
  }

  /** The same catalog as another process sees it. */
  async open(): Promise<Catalog> {
    if (this.#fixture === undefined) throw new Error('only within a test')
    const catalog = await this.#fixture.open()
    this.#opened.push(catalog)
    return catalog
  }

  async publish(version: NewVersion, who = 'ci'): Promise<void> {
    const { outcome } = await this.catalog.recordVersion(version, RULES, actor(who))
    equal(outcome, 'created')
  }

  /** The revision of the repository that the samples are in. */
  async revision(): Promise<number | undefined> {
    return (await this.catalog.findRepository(parseRepositoryName('team-a')))?.revision
  }

  /** The audit trail from the oldest row, in short. */
  async audit(): Promise<string[]> {
    const entries = await this.catalog.listAudit({ limit: 100 })
    return entries.toReversed().map((entry) => `${entry.action} ${entry.outcome}`)
  }

  /** Marks the blob as being deleted, as a gc that is past the grace period does. */
  async handOut(digest: Digest, at = NOON): Promise<readonly Digest[]> {
    await this.catalog.condemnBlobs([digest], at, at)
    const later = new Date(at.getTime() + 1)
    return this.catalog.condemnBlobs([digest], later, later)
  }
}
