import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { parseProvenance, renderProvenanceMessage } from '../../src/provenance/message.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { requireKnownSigner, verifyProvenance } from '../../src/provenance/verify.ts'
import { helmBinaries, runHelm, type HelmBinary } from '../support/helm-binaries.ts'
import { clearSign, keyringOf, makeKey, secretBinary } from '../support/openpgp-keys.ts'
import { PLAIN_CHART_YAML, digestOf, packageChart } from '../support/packaged-chart.ts'
import { skipLoudly } from '../support/optional-tool.ts'

const SIGNED_CHARTS = join(import.meta.dirname, '../../../shared/real-charts/signed')

describe('provenance with real Helm', () => {
  const helms = helmBinaries()
  let home: string
  let server: SigningKey
  let publisher: string
  let publisherRing: Keyring

  before(async () => {
    const now = new Date()
    server = await SigningKey.open({
      armored: await generateSigningKey({ userId: 'Server <s@example.com>', now }),
    })
    publisher = await makeKey({ type: 'rsa' })
    publisherRing = await keyringOf(publisher)
  })

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'chartroom-provenance-'))
  })

  afterEach(async () => {
    await rm(home, { recursive: true })
  })

  async function verify(helm: HelmBinary, path: string, provenance: string, keyring: Keyring) {
    const ring = join(home, 'keyring.gpg')
    await writeFile(ring, keyring.toBinary())
    await writeFile(`${path}.prov`, provenance)
    return runHelm(helm, ['verify', path, '--keyring', ring], { home })
  }

  async function assertAccepted(
    helm: HelmBinary,
    path: string,
    provenance: string,
    keyring: Keyring,
  ): Promise<void> {
    const { code, stderr } = await verify(helm, path, provenance, keyring)
    assert.equal(code, 0, stderr)
  }

  async function assertRefused(
    helm: HelmBinary,
    path: string,
    provenance: string,
    keyring: Keyring,
    why: RegExp,
  ) {
    const { code, stderr } = await verify(helm, path, provenance, keyring)
    assert.notEqual(code, 0)
    assert.match(stderr, why)
  }

  for (const helm of helms) {
    describe(`${helm.name} (${helm.version})`, () => {
      it('verifies what we sign, and nothing else', async () => {
        const chart = await packageChart(helm, home)
        const provenance = await server.sign(renderProvenanceMessage(chart))
        await assertAccepted(helm, chart.path, provenance, server.publicKeyring)

        await assertRefused(
          helm,
          chart.path,
          provenance.replace('rc.1', 'rc.2'),
          server.publicKeyring,
          /signature/,
        )
        await assertRefused(helm, chart.path, provenance, publisherRing, /unknown entity/)
        await writeFile(chart.path, 'x', { flag: 'a' })
        await assertRefused(helm, chart.path, provenance, server.publicKeyring, /sha256 sum does not match/)
      })

      it('reads our metadata to the last character', async () => {
        const chart = await packageChart(helm, home)
        const [yaml = ''] = renderProvenanceMessage(chart).split('\n...\n')
        const folder = join(home, 'rendered')
        await mkdir(folder)
        await writeFile(join(folder, 'Chart.yaml'), yaml)
        const shown = await runHelm(helm, ['show', 'chart', folder], { home })
        assert.equal(shown.code, 0, shown.stderr)
        assert.deepEqual(parseChartMetadata(shown.stdout), chart.metadata)
      })

      it('signs the same text as we do for an ordinary chart', async () => {
        const secret = join(home, 'secret.gpg')
        await writeFile(secret, await secretBinary(publisher))
        const flags = ['--sign', '--key', 'Test Publisher', '--keyring', secret]
        const chart = await packageChart(helm, home, { chartYaml: PLAIN_CHART_YAML, flags })
        const theirs = await readFile(`${chart.path}.prov`)
        // Some releases sign the last line end, too.
        assert.equal(parseProvenance(theirs).text.replace(/\n$/, ''), renderProvenanceMessage(chart))

        const verified = await verifyProvenance({ ...chart, provenance: theirs, trusted: publisherRing })
        requireKnownSigner(verified)
        const both = await server.countersign(theirs)
        await assertAccepted(helm, chart.path, both, publisherRing)
        await assertAccepted(helm, chart.path, both, server.publicKeyring)
      })

      for (const [what, vary] of Object.entries({
        'a plain file': (file: string) => file,
        'a CRLF file': (file: string) => file.replaceAll('\n', '\r\n'),
        'a file with trailing blanks': (file: string) => file.replace('name: demo\n', 'name: demo \t\n'),
      })) {
        it(`verifies ${what} that we countersigned, with either key and with both`, async () => {
          const chart = await packageChart(helm, home)
          const sent = vary(await clearSign(renderProvenanceMessage(chart), publisher, { hash: 'sha256' }))
          await assertAccepted(helm, chart.path, sent, publisherRing)
          const both = await server.countersign(sent)
          await assertAccepted(helm, chart.path, both, publisherRing)
          await assertAccepted(helm, chart.path, both, server.publicKeyring)
          await assertAccepted(helm, chart.path, both, server.publicKeyring.merge(publisherRing))
          await assertRefused(
            helm,
            chart.path,
            both.replace('rc.1', 'rc.2'),
            server.publicKeyring,
            /signature/,
          )
        })
      }

      it('verifies with our key what a publisher signed with Ed25519, also from a ring with both', async () => {
        const modern = await makeKey({ curve: 'ed25519Legacy' })
        const chart = await packageChart(helm, home)
        const both = await server.countersign(await clearSign(renderProvenanceMessage(chart), modern))
        await assertAccepted(helm, chart.path, both, server.publicKeyring)
        await assertAccepted(helm, chart.path, both, server.publicKeyring.merge(await keyringOf(modern)))
      })
    })
  }

  describe('the charts that Helm ships as examples', () => {
    for (const filename of ['hashtest-1.2.3.tgz', 'signtest-0.1.0.tgz']) {
      it(`verifies ${filename}, and Helm does so after we countersigned it`, async function () {
        if (!existsSync(SIGNED_CHARTS)) {
          skipLoudly(this, 'no signed charts of Helm beside the project: none is verified')
        }
        const path = join(home, filename)
        await copyFile(join(SIGNED_CHARTS, filename), path)
        const provenance = await readFile(join(SIGNED_CHARTS, `${filename}.prov`))
        const trusted = await Keyring.parse(await readFile(join(SIGNED_CHARTS, 'helm-test-key.pub')))
        const verified = await verifyProvenance({
          provenance,
          filename,
          digest: await digestOf(path),
          trusted,
        })
        requireKnownSigner(verified)

        const both = await server.countersign(provenance)
        for (const helm of helms) {
          await assertAccepted(helm, path, both, trusted)
          await assertAccepted(helm, path, both, server.publicKeyring)
        }
      })
    }
  })
})
