import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { verifyProvenance } from '../../src/provenance/verify.ts'
import { readBlob } from '../../src/repository/read-blob.ts'
import { type OpenedFile } from '../../src/repository/open-chart.ts'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { testSigningKey } from '../support/installation.ts'
import { assertStored } from '../support/leftovers.ts'
import { MirroredUpstream } from '../support/mirrored-upstream.ts'
import { keyringOf, makeKey, publicArmored } from '../support/openpgp-keys.ts'
import { signChart } from '../support/use-cases.ts'
import { type UpstreamAnswer } from '../support/upstream-server.ts'

const DEMO: ChartSource = { name: 'demo', version: '1.0.0' }
const FILE = 'demo-1.0.0.tgz'
const PROVENANCE = `/charts/${FILE}.prov`

const VERIFY = ['off', 'when-present', 'required'] as const

describe("an upstream's signatures", () => {
  let mirrored: MirroredUpstream
  let archive: Buffer
  let theirs: string
  let signed: string
  let byStranger: string
  let aboutOther: string

  before(async () => {
    archive = await chart(DEMO)
    theirs = await makeKey()
    const key = await SigningKey.open({ armored: theirs })
    signed = await signChart(key, archive, DEMO)
    byStranger = await signChart(await SigningKey.open({ armored: await makeKey() }), archive, DEMO)
    aboutOther = await signChart(key, await chart({ ...DEMO, files: {} }), DEMO)
  })

  beforeEach(async () => {
    mirrored = await MirroredUpstream.start()
    await mirrored.offer(DEMO, archive)
    await writeFile(join(mirrored.stores.directory, 'theirs.asc'), await publicArmored(theirs))
  })

  afterEach(async () => {
    await mirrored.close()
  })

  async function verifying(verify: (typeof VERIFY)[number]): Promise<void> {
    const keyring = join(mirrored.stores.directory, 'theirs.asc')
    await mirrored.configure({ verify, ...(verify !== 'off' && { keyring }) })
  }

  function serve(provenance: string | UpstreamAnswer): void {
    const answer: UpstreamAnswer =
      typeof provenance === 'string' ? (response) => response.end(provenance) : provenance
    mirrored.serve(PROVENANCE, answer)
  }

  /** The keys that have signed what is served, as far as they are known. */
  async function signersOf({ version }: OpenedFile): Promise<readonly (string | undefined)[]> {
    const provenance = await readBlob(mirrored.stores.blobs, version.provenance.digest)
    const trusted = await keyringOf(theirs, await testSigningKey())
    const { signers } = await verifyProvenance({ ...version, provenance, trusted })
    return signers.map(({ fingerprint }) => fingerprint)
  }

  async function fingerprints(...armored: readonly string[]): Promise<readonly string[]> {
    return Promise.all(armored.map(async (key) => (await SigningKey.open({ armored: key })).fingerprint))
  }

  for (const verify of VERIFY) {
    it(`are kept behind ours with verify: ${verify}, whatever the repository says of unknown signers`, async () => {
      await verifying(verify)
      mirrored.repositorySettings = { unknownSigner: 'refuse', provenance: 'required' }
      serve(signed)
      const opened = await mirrored.open(FILE)
      equal(opened.version.provenance.origin, 'publisher')
      deepEqual(await signersOf(opened), await fingerprints(await testSigningKey(), theirs))
    })
  }

  for (const verify of ['off', 'when-present'] as const) {
    it(`may be missing with verify: ${verify}, also where the upstream refuses to look`, async () => {
      await verifying(verify)
      for (const status of [404, 403]) {
        serve((response) => response.writeHead(status).end())
        const opened = await mirrored.open(FILE)
        deepEqual(await signersOf(opened), await fingerprints(await testSigningKey()))
        await mirrored.close()
        mirrored = await MirroredUpstream.start()
        await mirrored.offer(DEMO, archive)
      }
    })
  }

  const bad: Readonly<Record<string, readonly [() => string, RegExp]>> = {
    'by a stranger': [() => byStranger, /signed by a key that is not trusted here/],
    'over other bytes of the archive': [() => aboutOther, /about other content/],
    'over another text': [() => signed.replace('name: demo', 'name: Demo'), /./],
    'that is damaged': [() => signed.slice(0, 200), /provenance file/],
  }
  for (const verify of ['when-present', 'required'] as const) {
    for (const [what, [provenance, reason]] of Object.entries(bad)) {
      it(`refuses one ${what} with verify: ${verify}, raises an alarm and leaves nothing behind`, async () => {
        await verifying(verify)
        serve(provenance())
        await rejects(mirrored.open(FILE), { code: 'upstream-invalid', message: reason })
        await assertStored(mirrored.stores.directory, { blobs: 0 })
        const [refusal, alarm] = await mirrored.audit()
        deepEqual([refusal?.action, refusal?.outcome], ['publish', 'refused'])
        equal(alarm?.action, 'mirror-alarm')
        match(alarm.detail ?? '', /^signature/)
        serve(signed)
        equal((await mirrored.open(FILE)).cacheStatus, 'fetched')
      })
    }
  }

  it('must be there with verify: required', async () => {
    await verifying('required')
    await rejects(mirrored.open(FILE), {
      code: 'upstream-invalid',
      message: 'demo 1.0.0 of upstream up: there is no provenance file, and verify: required asks for one',
    })
    await assertStored(mirrored.stores.directory, { blobs: 0 })
    serve(signed)
    equal((await mirrored.open(FILE)).cacheStatus, 'fetched')
  })

  it('are waited for where the upstream does not say whether there are any', async () => {
    serve((response) => response.writeHead(500).end())
    await rejects(mirrored.open(FILE), { code: 'unavailable' })
    await assertStored(mirrored.stores.directory, { blobs: 0 })
  })

  it('are left out and told to the log where nobody checks them and they are about other bytes', async () => {
    await verifying('off')
    serve(aboutOther)
    const opened = await mirrored.open(FILE)
    deepEqual(await signersOf(opened), await fingerprints(await testSigningKey()))
    ok(mirrored.logLines.some((line) => line.includes("an upstream's provenance file is left out")))
  })

  it('are not checked by a keyring that cannot be read', async () => {
    const none = join(mirrored.stores.directory, 'none.asc')
    await rejects(mirrored.configure({ verify: 'required', keyring: none }), { code: 'key-unusable' })
    await verifying('required')
    await rm(join(mirrored.stores.directory, 'theirs.asc'))
    serve(signed)
    await rejects(mirrored.open(FILE), { code: 'key-unusable' })
    await assertStored(mirrored.stores.directory, { blobs: 0 })
  })
})
