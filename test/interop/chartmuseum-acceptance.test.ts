import assert from 'node:assert/strict'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archive } from '../support/chart-builder.ts'
import { helmBinaries, runHelm, type HelmBinary, type HelmRun } from '../support/helm-binaries.ts'
import { keyringOf, makeKey, secretBinary } from '../support/openpgp-keys.ts'
import { packageChart, PLAIN_CHART_YAML, type PackagedChart } from '../support/packaged-chart.ts'
import { TestServer, type Reply } from '../support/test-server.ts'

/**
 * ChartMuseum's published acceptance flow (its `acceptance_tests/helm.robot`), step by step, with real Helm and over
 * mTLS. Its bad chart is named so that it would be stored elsewhere (CVE-2019-1000009).
 */
for (const helm of helmBinaries()) describeAcceptance(helm)

function describeAcceptance(helm: HelmBinary): void {
  describe(`ChartMuseum's acceptance flow with Helm ${helm.version}`, () => {
    let server: TestServer
    let home: string
    let tls: readonly string[]
    let keyring: string
    let packaged: PackagedChart

    before(async () => {
      server = await TestServer.start()
      home = await mkdtemp(join(tmpdir(), 'chartroom-acceptance-'))
      const admin = await (await server.admin()).write(join(home, 'peers'), 'admin')
      const ca = join(server.config.certs, 'ca.crt')
      tls = ['--ca-file', ca, '--cert-file', admin.certFile, '--key-file', admin.keyFile]
      const publisher = await makeKey({ type: 'rsa' })
      const secret = join(home, 'secret.gpg')
      await writeFile(secret, await secretBinary(publisher))
      keyring = join(home, 'publisher.gpg')
      await writeFile(keyring, (await keyringOf(publisher)).toBinary())
      const flags = ['--sign', '--key', 'Test Publisher', '--keyring', secret]
      packaged = await packageChart(helm, home, { chartYaml: PLAIN_CHART_YAML, flags })
      await mkdir(join(home, 'fetched'))
    })

    after(async () => {
      await server.close()
      await rm(home, { recursive: true })
    })

    const run = async (...args: readonly string[]): Promise<HelmRun> => runHelm(helm, args, { home })

    async function succeed(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await run(...args)
      assert.equal(code, 0, stderr)
      return stdout
    }

    async function post(path: string, body: Buffer | string): Promise<Reply> {
      return server.request(await server.admin(), 'POST', path, { body })
    }

    const fetchVerified = async (ring: string): Promise<HelmRun> =>
      run('fetch', 'museum/demo', '--verify', '--keyring', ring, '-d', join(home, 'fetched'))

    it('adds the repository, which is empty', async () => {
      await succeed('repo', 'add', 'museum', server.url, ...tls)
      assert.match(await succeed('search', 'repo', 'museum/'), /No results found/)
    })

    it('fails to fetch what is not there', async () => {
      const { code, stderr } = await fetchVerified(keyring)
      assert.notEqual(code, 0)
      assert.match(stderr, /demo/)
    })

    it('takes the chart and then its provenance file', async () => {
      assert.equal((await post('/api/charts', await readFile(packaged.path))).status, 201)
      assert.equal((await post('/api/prov', await readFile(`${packaged.path}.prov`))).status, 201)
    })

    it('refuses a bad chart and a bad provenance file', async () => {
      const chartYaml = 'apiVersion: v1\nname: ../../../../charts/org2/repo2/evil\nversion: 0.1.0\n'
      const badChart = await archive([{ name: 'mybadchart/Chart.yaml', content: chartYaml }])
      assert.equal((await post('/api/charts', badChart)).status, 400)
      const badProvenance = (await readFile(`${packaged.path}.prov`, 'utf8')).replace(
        'name: demo',
        'name: ../../../../charts/org2/repo2/evil',
      )
      assert.equal((await post('/api/prov', badProvenance)).status, 400)
    })

    it('shows the chart after an update', async () => {
      await succeed('repo', 'update')
      assert.match(await succeed('search', 'repo', 'museum/'), /museum\/demo\s+0\.1\.0/)
    })

    it("fetches it verified, with the publisher's keyring and with the server's", async () => {
      const { code, stderr } = await fetchVerified(keyring)
      assert.equal(code, 0, stderr)
      await access(join(home, 'fetched', packaged.filename))
      const served = join(home, 'served.gpg')
      const keys = await server.request(await server.reader(), 'GET', '/keys/provenance.gpg')
      await writeFile(served, keys.bytes)
      await rm(join(home, 'fetched', packaged.filename))
      const again = await fetchVerified(served)
      assert.equal(again.code, 0, again.stderr)
    })

    it('deletes it, and it is gone at once', async () => {
      const admin = await server.admin()
      assert.equal((await server.request(admin, 'DELETE', '/api/charts/demo/0.1.0')).status, 200)
      assert.equal((await server.request(admin, 'GET', '/api/charts/demo/0.1.0')).status, 404)
      const { code, stderr } = await fetchVerified(keyring)
      assert.notEqual(code, 0)
      assert.match(stderr, /404 Not Found: there is no chart "demo-0\.1\.0\.tgz" here/)
    })
  })
}
