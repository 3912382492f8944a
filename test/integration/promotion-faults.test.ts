import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlobStore } from '../../src/blobs/blob-store.ts'
import { type Digest } from '../../src/chart/digest.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { promote } from '../../src/repository/promote.ts'
import { type PublishDeps, type PublishOutcome } from '../../src/repository/publish.ts'
import { purge } from '../../src/repository/purge.ts'
import { chart } from '../support/chart-builder.ts'
import { intercept } from '../support/intercept.ts'
import {
  actorNow,
  authorise,
  defaultSettings,
  openEmbeddedStores,
  upload,
  type EmbeddedStores,
} from '../support/use-cases.ts'

const SOURCE = parseRepositoryName('team-a')
const TARGET = parseRepositoryName('team-b')

describe('a promotion that goes wrong', () => {
  let stores: EmbeddedStores
  let deps: PublishDeps
  let published: PublishOutcome

  beforeEach(async () => {
    stores = await openEmbeddedStores()
    deps = { ...stores, settingsOf: await defaultSettings() }
    published = await upload(deps, await chart())
  })

  afterEach(async () => {
    assert.equal(await stores.catalog.findRepository(TARGET), undefined)
    await stores.close()
  })

  async function promoteWith(blobs: BlobStore): Promise<PublishOutcome> {
    const { name, version } = published.version
    return promote(
      { ...deps, blobs },
      {
        authorisation: authorise('publish', TARGET),
        source: authorise('read', SOURCE),
        name,
        version,
        force: 'unforced',
        actor: actorNow(),
      },
    )
  }

  async function replaceBlob(digest: Digest, bytes: Buffer): Promise<void> {
    await writeFile(join(stores.directory, 'blobs', 'sha256', digest.slice(0, 2), digest), bytes)
  }

  it('takes no other archive that is in the place of the one recorded', async () => {
    const { digest } = published.version
    await replaceBlob(digest, await chart({ name: 'trojan' }))
    await assert.rejects(promoteWith(stores.blobs), {
      code: 'blob-missing',
      message: `the catalog names a blob that is damaged: ${digest}`,
    })
  })

  it('signs no other provenance that is in the place of the one recorded', async () => {
    const { digest } = published.version.provenance
    await replaceBlob(digest, Buffer.from('hello'))
    await assert.rejects(promoteWith(stores.blobs), { code: 'blob-missing', message: /damaged/ })
  })

  it('brings nothing when the version is purged while it is read', async () => {
    // The provenance is staged when the archive has been read, and before anything is recorded.
    const meanwhile = intercept(stores.blobs, ['stage'], async (_step, call) => {
      const { name, version } = published.version
      await purge(stores, { kind: 'version', name, version, repository: SOURCE }, 'a leak', actorNow())
      return call()
    })
    await assert.rejects(promoteWith(meanwhile), { code: 'unavailable', message: /was being removed/ })
    await assert.rejects(promoteWith(stores.blobs), { code: 'chart-unknown' })
  })
})
