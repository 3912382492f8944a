import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { type VersionRecord } from '../../src/catalog/catalog.ts'
import { type Digest } from '../../src/chart/digest.ts'
import { parseChartName } from '../../src/chart/name.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/chart/repository-name.ts'
import { parseChartVersion } from '../../src/chart/version.ts'
import { AppError } from '../../src/errors.ts'
import { RenderedIndex } from '../../src/repoindex/rendered-index.ts'
import { checkIntegrity } from '../../src/repository/check-integrity.ts'
import { collectGarbage } from '../../src/repository/collect-garbage.ts'
import { importPackage } from '../../src/repository/import-package.ts'
import { IndexCache } from '../../src/repository/index-cache.ts'
import { promote } from '../../src/repository/promote.ts'
import { withdraw } from '../../src/repository/withdraw.ts'
import { archive, chartYaml } from '../support/chart-builder.ts'
import { collected } from '../support/collected.ts'
import {
  actorNow,
  authorise,
  defaultSettings,
  openEmbeddedStores,
  upload,
  type EmbeddedStores,
} from '../support/use-cases.ts'

/** Few names, versions and contents, so that they meet; the first two names share file names. */
const NAMES = ['demo', 'demo-1.0.0', 'other']
const VERSIONS = ['1.0.0', '1.0.0-2.0.0', '2.0.0']
const CONTENTS = ['a: 1\n', 'a: 2\n']
const REPOSITORY = parseRepositoryName('team-a')
/** Where versions are promoted to, and sometimes back from. */
const TARGET = parseRepositoryName('team-b')

const step = fc.record({
  kind: fc.constantFrom('publish', 'delete', 'import', 'promote', 'collect'),
  name: fc.constantFrom(...NAMES),
  version: fc.constantFrom(...VERSIONS),
  content: fc.constantFrom(...CONTENTS),
  order: fc.constantFrom('in order', 'in disorder'),
  repository: fc.constantFrom(REPOSITORY, TARGET),
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

describe('publishes, deletes, promotions and lenient imports', () => {
  it('leave index, catalog and blobs in agreement, in any sequence', async () => {
    const settingsOf = await defaultSettings()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const stores = await openEmbeddedStores()
        try {
          const deps = { ...stores, settingsOf }
          const indexes = new IndexCache(stores.catalog, '')
          for (const name of [REPOSITORY, TARGET]) await stores.catalog.createRepository(name, actorNow())
          for (const one of steps) {
            await take(deps, one)
            await assertAgreement(deps, indexes)
          }
          await assertCollected(stores)
        } finally {
          await stores.close()
        }
      }),
      { numRuns: 20 },
    )
  }).timeout(60_000)
})

type Deps = EmbeddedStores & { readonly settingsOf: Awaited<ReturnType<typeof defaultSettings>> }

/** A refusal is as good an outcome as any, as long as everything agrees after it. */
async function take(deps: Deps, one: Step): Promise<void> {
  try {
    const { repository } = one
    if (one.kind === 'publish') await upload(deps, await packaged(one), { repository })
    if (one.kind === 'delete') await withdraw(deps, authorise('delete', repository), idOf(one), actorNow())
    if (one.kind === 'import') await importLeniently(deps, one)
    if (one.kind === 'promote') await promoteOne(deps, one)
    if (one.kind === 'collect') await collectGarbage(deps, { now: new Date(), graceMs: 0 })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    assert.ok(['chart-exists', 'chart-invalid', 'chart-unknown'].includes(error.code), error.message)
  }
}

function idOf({ repository, name, version }: Step): Parameters<typeof withdraw>[2] {
  return { repository, name: parseChartName(name), version: parseChartVersion(version) }
}

async function packaged({ name, version, content, order }: Step): Promise<Buffer> {
  const values = { name: `${name}/values.yaml`, content }
  const members = [{ name: `${name}/Chart.yaml`, content: chartYaml({ name, version }) }, values]
  return archive(order === 'in order' ? members : [...members, values])
}

/** What was imported leniently stays marked. */
async function promoteOne(deps: Deps, one: Step): Promise<void> {
  const source = one.repository === REPOSITORY ? TARGET : REPOSITORY
  const id = idOf(one)
  const { version, outcome } = await promote(deps, {
    authorisation: authorise('publish', one.repository),
    source: authorise('read', source),
    name: id.name,
    version: id.version,
    force: 'unforced',
    actor: actorNow(),
  })
  const promoted = await deps.catalog.findVersion({ ...id, repository: source })
  if (outcome !== 'unchanged') assert.equal(version.reading, promoted?.reading)
}

async function importLeniently(deps: Deps, one: Step): Promise<void> {
  const bytes = await packaged(one)
  const finding = await importPackage(
    deps,
    {
      source: 'here',
      repository: one.repository,
      filename: `${one.name}-${one.version}.tgz`,
      readProvenance: async () => Promise.resolve(undefined),
      open: async () => Promise.resolve(Readable.from([bytes])),
      close: () => undefined,
    },
    {
      reading: 'lenient',
      onUnknownRepository: 'refuse',
      effect: 'import',
      maxBytes: 1_000_000,
      actor: actorNow(),
    },
  )
  if (finding.outcome === 'refused') assert.match(finding.reason ?? '', /other content|its file name/)
  if (finding.outcome === 'created') {
    assert.equal(finding.reading, one.order === 'in order' ? 'strict' : 'lenient')
  }
}

async function assertAgreement(deps: Deps, indexes: IndexCache): Promise<void> {
  const findings = await collected(checkIntegrity(deps))
  assert.deepEqual(
    findings.filter(({ problem }) => problem !== undefined),
    [],
  )
  for (const repository of [REPOSITORY, TARGET]) {
    const versions = findings.map(({ version }) => version).filter((one) => one.repository === repository)
    await assertIndexed(deps, indexes, repository, versions)
  }
}

async function assertIndexed(
  deps: Deps,
  indexes: IndexCache,
  repository: RepositoryName,
  versions: readonly VersionRecord[],
): Promise<void> {
  const cached = await indexes.read(repository)
  const fresh = await deps.catalog.readIndex(repository, async (snapshot) => RenderedIndex.render(snapshot))
  assert.ok(fresh !== undefined)
  const bytes = Buffer.concat(cached.toBuffers()).toString()
  assert.equal(bytes, Buffer.concat(fresh.toBuffers()).toString())
  const { entries } = JSON.parse(bytes) as { entries: Record<string, { urls: string[]; digest: string }[]> }
  const indexed = Object.values(entries).flatMap((versions) =>
    versions.map(({ urls, digest }) => `${urls.join()} ${digest}`),
  )
  const recorded = versions.map(({ filename, digest }) => `charts/${filename} ${digest}`)
  assert.deepEqual(indexed.toSorted(), recorded.toSorted())
}

/** Two passes without grace leave the blobs that live versions name, and no other. */
async function assertCollected(stores: EmbeddedStores): Promise<void> {
  const start = Date.now()
  for (const pass of [1, 2]) await collectGarbage(stores, { now: new Date(start + pass), graceMs: 0 })
  const stored: Digest[] = await collected(stores.blobs.list())
  const referenced: Digest[] = await collected(stores.catalog.listReferencedBlobs())
  assert.deepEqual(stored.toSorted(), referenced.toSorted())
}
