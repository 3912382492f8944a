import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { chart } from '../support/chart-builder.ts'
import { form } from '../support/form.ts'
import { filesBelow } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer, type Reply } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

const other = { files: { 'values.yaml': 'other: true\n' } }
const IMMUTABLE = 'private, max-age=31536000, immutable'

describe('settings of a repository', () => {
  let folder: string
  let server: TestServer
  let admin: TestPeer
  let ours: SigningKey
  let theirs: SigningKey

  before(async () => {
    const open = async (userId: string) =>
      SigningKey.open({ armored: await generateSigningKey({ userId, now: new Date() }) })
    ours = await open('Ours <ours@example.org>')
    theirs = await open('Theirs <theirs@example.org>')
    folder = await mkdtemp(join(tmpdir(), 'chartroom-settings-'))
    await writeFile(join(folder, 'ours.gpg'), ours.publicKeyring.toBinary())
    await writeFile(join(folder, 'theirs.gpg'), theirs.publicKeyring.toBinary())
    server = await TestServer.start({
      settings: {
        provenance: { trustedKeyring: join(folder, 'ours.gpg') },
        repositories: [
          { name: { glob: 'free/**' }, tombstones: 'release' },
          { name: { glob: 'free/kept*' }, tombstones: 'keep' },
          { name: 'free/kept', overwrite: 'always' },
          { name: 'signed', provenance: { required: true } },
          {
            name: 'theirs',
            provenance: {
              required: true,
              unknownSigner: 'refuse',
              trustedKeyring: join(folder, 'theirs.gpg'),
            },
          },
        ],
      },
    })
    admin = await server.admin()
  })

  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function publish(repository: string, source = {}, key?: SigningKey): Promise<Reply> {
    const archive = await chart(source)
    const parts = [{ name: 'chart', filename: 'demo-0.1.0.tgz', content: archive }]
    const provenance = key && (await signChart(key, archive, source))
    const signed = provenance === undefined ? [] : [{ name: 'prov', filename: 'x.prov', content: provenance }]
    return server.request(admin, 'POST', `/api/${repository}/charts`, form([...parts, ...signed]))
  }

  async function publishAfterDelete(repository: string): Promise<Reply> {
    assert.equal((await publish(repository)).status, 201)
    const deleted = await server.request(admin, 'DELETE', `/api/${repository}/charts/demo/0.1.0`)
    assert.equal(deleted.status, 200)
    return publish(repository, other)
  }

  describe('tombstones', () => {
    it('keep the name of a deleted version for its content by default', async () => {
      const { status, reason } = await publishAfterDelete('plain')
      assert.equal(status, 409)
      assert.match(reason, /was deleted, and its name stays taken/)
      assert.equal((await publish('plain')).status, 201)
      const { headers } = await server.request(admin, 'GET', '/plain/charts/demo-0.1.0.tgz')
      assert.equal(headers['cache-control'], IMMUTABLE)
    })

    it('release it where the repository says so, and then no cache may keep an archive', async () => {
      assert.equal((await publishAfterDelete('free/a')).status, 201)
      const { bytes, headers } = await server.request(admin, 'GET', '/free/a/charts/demo-0.1.0.tgz')
      assert.deepEqual(bytes, await chart(other))
      assert.equal(headers['cache-control'], 'private, no-cache')
    })

    it('release nothing that is live', async () => {
      assert.equal((await publish('free/b')).status, 201)
      assert.equal((await publish('free/b', other)).status, 409)
    })

    it('are a matter of the repository’s own entry, else of the first glob that matches', async () => {
      assert.equal((await publishAfterDelete('free/kept-not')).status, 201)
      // Its own entry says nothing of tombstones, so that the server-wide default counts; overwriting is something else.
      const overwritten = await publishAfterDelete('free/kept')
      assert.match(overwritten.bytes.toString(), /"outcome":"replaced"/)
    })

    it('make no repository from a glob', async () => {
      assert.equal((await server.request(admin, 'GET', '/free/unheard-of/index.yaml')).status, 404)
    })
  })

  describe('provenance', () => {
    it('is demanded where the repository says so, and nothing stays of what came without', async () => {
      const before = await stored()
      const raw = await server.request(admin, 'POST', '/api/signed/charts', { body: await chart() })
      for (const { status, reason } of [raw, await publish('signed')]) {
        assert.equal(status, 403)
        assert.equal(
          reason,
          'Forbidden: signed takes no chart without its provenance file; send both in one form',
        )
      }
      assert.deepEqual(await stored(), before)
      assert.equal((await publish('signed', {}, theirs)).status, 201)
    })

    it('is demanded of what is there already, too', async () => {
      const source = { name: 'again' }
      assert.equal((await publish('signed', source, theirs)).status, 201)
      assert.equal((await publish('signed', source)).status, 403)
    })

    it('is judged by the repository’s own keys, instead of the server-wide ones', async () => {
      const refused = await publish('theirs', {}, ours)
      assert.equal(refused.status, 403)
      assert.equal((await publish('theirs', {}, theirs)).status, 201)
    })

    async function stored(): Promise<string> {
      return (await server.request(admin, 'GET', '/signed/index.yaml')).bytes.toString()
    }
  })

  it('leaves no upload behind', async () => {
    assert.deepEqual(await filesBelow(join(server.config.storage, 'tmp')), [])
  })
})
