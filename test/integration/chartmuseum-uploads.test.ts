import assert from 'node:assert/strict'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { archive as archiveOf, chart } from '../support/chart-builder.ts'
import { form, type FormPart } from '../support/form.ts'
import { assertStored } from '../support/leftovers.ts'
import { jsonOf, TestServer, type Reply, type RequestOptions } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

/** What uploads are made of; the server has `demo` 0.1.0 with a publisher's provenance file, and `unsigned` 1.0.0. */
interface Material {
  readonly demo: Buffer
  readonly otherDemo: Buffer
  readonly fresh: Buffer
  readonly freshProvenance: string
  readonly unsignedProvenance: string
  readonly otherProvenance: string
}

interface Case {
  readonly title: string
  /** Below `/api/<repository>/`. */
  readonly path: string
  readonly send: (material: Material) => RequestOptions | Promise<RequestOptions>
  readonly status: number
  /** How `error` begins; none of a success. */
  readonly error?: RegExp
  /** What the repository has more afterwards. */
  readonly newBlobs?: number
}

const raw = (pick: (material: Material) => Buffer | string) => (material: Material) => ({
  body: pick(material),
})
const fields = (make: (material: Material) => readonly FormPart[]) => (material: Material) =>
  form(make(material))
const file = (name: string, content: Buffer | string): FormPart => ({ name, filename: 'ignored', content })

const BAD_NAME = '../../../../charts/org2/repo2/evil'
const evil = async () => ({
  body: await archiveOf([
    { name: 'evil/Chart.yaml', content: `apiVersion: v1\nname: ${BAD_NAME}\nversion: 0.1.0\n` },
  ]),
})

const CASES: readonly Case[] = [
  { title: 'a new chart, raw', path: 'charts', send: raw(({ fresh }) => fresh), status: 201, newBlobs: 2 },
  {
    title: 'a new chart in a form',
    path: 'charts',
    send: fields(({ fresh }) => [file('chart', fresh)]),
    status: 201,
    newBlobs: 2,
  },
  {
    title: 'a new chart and its provenance file in a form',
    path: 'charts',
    send: fields(({ fresh, freshProvenance }) => [file('chart', fresh), file('prov', freshProvenance)]),
    status: 201,
    newBlobs: 2,
  },
  {
    title: 'the provenance file in front of the chart',
    path: 'charts',
    send: fields(({ fresh, freshProvenance }) => [file('prov', freshProvenance), file('chart', fresh)]),
    status: 201,
    newBlobs: 2,
  },
  {
    title: 'both in the fields of the configuration',
    path: 'charts',
    send: fields(({ fresh, freshProvenance }) => [
      file('package', fresh),
      file('signature', freshProvenance),
    ]),
    status: 201,
    newBlobs: 2,
  },
  {
    title: 'a provenance file alone in a form',
    path: 'charts',
    send: fields(({ unsignedProvenance }) => [file('prov', unsignedProvenance)]),
    status: 201,
    newBlobs: 1,
  },
  {
    title: 'a provenance file, raw',
    path: 'prov',
    send: raw(({ unsignedProvenance }) => unsignedProvenance),
    status: 201,
    newBlobs: 1,
  },
  { title: 'the same chart again', path: 'charts', send: raw(({ demo }) => demo), status: 201 },

  {
    title: 'what is no chart, raw',
    path: 'charts',
    send: () => ({ body: 'x' }),
    status: 400,
    error: /^the archive is not a gzip/,
  },
  {
    title: 'what is no chart, in a form',
    path: 'charts',
    send: () => form([file('chart', 'x')]),
    status: 400,
    error: /^the archive is not a gzip/,
  },
  {
    title: 'a chart whose name climbs out',
    path: 'charts',
    send: evil,
    status: 400,
    error: /^not a chart name: /,
  },
  {
    title: 'a chart whose name climbs out, by force',
    path: 'charts?force',
    send: evil,
    status: 400,
    error: /^not a chart name: /,
  },
  {
    title: 'a form with neither',
    path: 'charts',
    send: () => form([{ name: 'chart', content: 'no file' }]),
    status: 400,
    error: /^no package or provenance file found in form fields package and signature$/,
  },
  {
    title: 'a form with two charts',
    path: 'charts',
    send: fields(({ fresh, otherDemo }) => [file('chart', fresh), file('package', otherDemo)]),
    status: 400,
    error: /a second archive came in field "package"/,
  },
  {
    title: 'a form with two provenance files',
    path: 'charts',
    send: fields(({ freshProvenance }) => [
      file('signature', freshProvenance),
      file('prov', freshProvenance),
    ]),
    status: 400,
    error: /a second provenance came in field "prov"/,
  },
  {
    title: 'what is no provenance file, raw',
    path: 'prov',
    send: () => ({ body: 'x' }),
    status: 400,
    error: /^invalid provenance file: /,
  },
  {
    title: 'what is no provenance file, in a form',
    path: 'charts',
    send: fields(({ fresh }) => [file('chart', fresh), file('prov', 'x')]),
    status: 400,
    error: /^invalid provenance file: /,
  },
  {
    title: 'a provenance file of another archive',
    path: 'charts',
    send: fields(({ fresh, otherProvenance }) => [file('chart', fresh), file('prov', otherProvenance)]),
    status: 400,
    error: /^invalid provenance file: /,
  },
  {
    title: 'other content under the same version, raw',
    path: 'charts',
    send: raw(({ otherDemo }) => otherDemo),
    status: 409,
    error: /^file already exists: demo 0\.1\.0 exists with other content/,
  },
  {
    title: 'other content under the same version, in a form',
    path: 'charts',
    send: fields(({ otherDemo }) => [file('chart', otherDemo)]),
    status: 409,
    error: /^chart already exists: demo 0\.1\.0 exists with other content/,
  },
  {
    title: "a second publisher's provenance file",
    path: 'prov',
    send: raw(({ otherProvenance }) => otherProvenance),
    status: 409,
    error: /^file already exists: demo 0\.1\.0 has another publisher's/,
  },
  {
    title: 'other content by force, whatever the value',
    path: 'charts?force=false',
    send: raw(({ otherDemo }) => otherDemo),
    status: 201,
    newBlobs: 2,
  },
  {
    title: 'other content by force, in a form',
    path: 'charts?force',
    send: fields(({ otherDemo }) => [file('chart', otherDemo)]),
    status: 201,
    newBlobs: 2,
  },
  {
    title: "a second publisher's provenance file by force",
    path: 'prov?force',
    send: raw(({ otherProvenance }) => otherProvenance),
    status: 201,
    newBlobs: 1,
  },
  {
    title: 'a chart that is too large',
    path: 'charts',
    send: () => ({ body: Buffer.alloc(200_000) }),
    status: 413,
    error: /^request too large: /,
  },
  {
    title: 'a form that is too large',
    path: 'charts',
    send: () => form([file('chart', Buffer.alloc(200_000))]),
    status: 413,
    error: /^request too large: /,
  },
]

for (const repository of ['', 'org/team/']) {
  describe(`ChartMuseum's uploads to ${repository || 'the root repository'}`, () => {
    let server: TestServer
    let material: Material
    let provenance: string

    before(async () => {
      const publisher = await makeKey()
      material = await prepare(publisher, await makeKey())
      provenance = await signChart(publisher, material.demo)
    })

    beforeEach(async () => {
      server = await TestServer.start({
        settings: {
          overwrite: 'forced',
          uploads: { maxBytes: 100_000, chartField: 'package', provField: 'signature' },
          repositories: [{ name: 'org/team' }],
        },
      })
      await post('charts', { body: material.demo })
      const sent = await post('prov', { body: provenance })
      assert.equal(sent.status, 201, sent.reason)
      await post('charts', { body: await chart(UNSIGNED) })
    })

    afterEach(async () => {
      await server.close()
    })

    async function post(path: string, options: RequestOptions): Promise<Reply> {
      return server.request(await server.admin(), 'POST', `/api/${repository}${path}`, options)
    }

    for (const { title, path, send, status, error, newBlobs = 0 } of CASES) {
      it(`answers ${status} to ${title}`, async () => {
        const reply = await post(path, await send(material))
        assert.equal(reply.status, status, reply.reason)
        const body = jsonOf(reply) as { saved?: true; error?: string }
        if (error === undefined) assert.equal(body.saved, true)
        else assert.match(body.error ?? '', error)
        await assertStored(server.config.storage, { blobs: STORED_BLOBS + newBlobs })
      })
    }
  })
}

/** Two archives, their provenance, and the one that `demo` had before its publisher sent another. */
const STORED_BLOBS = 5

const FRESH = { name: 'fresh', version: '1.0.0' }
const UNSIGNED = { name: 'unsigned', version: '1.0.0' }

async function makeKey(): Promise<SigningKey> {
  const userId = 'Publisher <publisher@example.org>'
  return SigningKey.open({ armored: await generateSigningKey({ userId, now: new Date() }) })
}

async function prepare(publisher: SigningKey, second: SigningKey): Promise<Material> {
  const demo = await chart()
  const fresh = await chart(FRESH)
  return {
    demo,
    otherDemo: await chart({ files: { 'values.yaml': 'other: true\n' } }),
    fresh,
    freshProvenance: await signChart(publisher, fresh, FRESH),
    unsignedProvenance: await signChart(publisher, await chart(UNSIGNED), UNSIGNED),
    otherProvenance: await signChart(second, demo),
  }
}
