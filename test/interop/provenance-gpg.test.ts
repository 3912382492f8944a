import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseDigest } from '../../src/chart/digest.ts'
import { archiveFilename } from '../../src/chart/filename.ts'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { renderProvenanceMessage } from '../../src/provenance/message.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { requireKnownSigner, verifyProvenance } from '../../src/provenance/verify.ts'
import { helmBinaries, runHelm } from '../support/helm-binaries.ts'
import { DIFFICULT_CHART_YAML, packageChart } from '../support/packaged-chart.ts'
import { requireTool } from '../support/optional-tool.ts'

const run = promisify(execFile)

const METADATA = parseChartMetadata(DIFFICULT_CHART_YAML)
const SUBJECT = {
  metadata: METADATA,
  filename: archiveFilename(METADATA.name, METADATA.version),
  digest: parseDigest('ab'.repeat(32)),
}
const MESSAGE = renderProvenanceMessage(SUBJECT)

describe('provenance with real gpg', () => {
  let home: string
  let server: SigningKey

  before(async function () {
    requireTool(this, 'gpg', 'nothing is tried with it')
    const armored = await generateSigningKey({ userId: 'Server <server@example.com>', now: new Date() })
    server = await SigningKey.open({ armored })
  })

  beforeEach(async () => {
    // gpg's agent listens on a socket in there, whose path has to be short.
    home = await mkdtemp(join(tmpdir(), 'gpg-'))
    await mkdir(join(home, 'gnupg'), { mode: 0o700 })
  })

  afterEach(async () => {
    await run('gpgconf', ['--homedir', join(home, 'gnupg'), '--kill', 'all'])
    await rm(home, { recursive: true })
  })

  async function gpg(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const options = ['--homedir', join(home, 'gnupg'), '--batch', '--no-tty', '--pinentry-mode', 'loopback']
    return run('gpg', [...options, ...args])
  }

  async function makePublisher(algorithm: string): Promise<Keyring> {
    const name = 'Publisher <publisher@example.com>'
    await gpg('--passphrase', '', '--quick-generate-key', name, algorithm, 'sign', '1d')
    const file = join(home, 'publisher.gpg')
    await gpg('--output', file, '--export')
    return Keyring.parse(await readFile(file))
  }

  async function clearSign(hash: string): Promise<Buffer> {
    const file = join(home, 'text')
    await writeFile(file, MESSAGE)
    await gpg('--digest-algo', hash, '--clear-sign', file)
    return readFile(`${file}.asc`)
  }

  /** What gpg says of the file, with our public key imported as we hand it out. */
  async function verify(provenance: string): Promise<string> {
    const [keys, file] = [join(home, 'keys.asc'), join(home, 'demo.prov')]
    await writeFile(keys, server.publicKeyring.toArmored())
    await gpg('--import', keys)
    await writeFile(file, provenance)
    return (await gpg('--verify', file)).stderr
  }

  it('verifies what we sign', async () => {
    const provenance = await server.sign(MESSAGE)
    assert.match(await verify(provenance), /Good signature from "Server <server@example.com>"/)
    await assert.rejects(verify(provenance.replace('rc.1', 'rc.2')), /BAD signature/)
  })

  for (const algorithm of ['rsa2048', 'nistp256', 'ed25519']) {
    it(`verifies its own ${algorithm} signature and ours, and so do we`, async () => {
      const trusted = await makePublisher(algorithm)
      const provenance = await clearSign('SHA256')
      requireKnownSigner(await verifyProvenance({ ...SUBJECT, provenance, trusted }))
      const said = await verify(await server.countersign(provenance))
      assert.equal(said.match(/Good signature/g)?.length, 2, said)
    })
  }

  const weak: [algorithm: string, hash: string, message: RegExp][] = [
    ['rsa2048', 'SHA1', /its hash is too weak/],
    ['rsa1024', 'SHA256', /the key is too weak/],
    ['dsa2048', 'SHA256', /the key is too weak/],
  ]
  for (const [algorithm, hash, message] of weak) {
    it(`makes ${algorithm} signatures with ${hash}, which we refuse of a known signer`, async () => {
      const trusted = await makePublisher(algorithm)
      const provenance = await clearSign(hash)
      const verifying = verifyProvenance({ ...SUBJECT, provenance, trusted })
      await assert.rejects(verifying, { code: 'signature-bad', message })
    })
  }

  it('still knows a publisher who put off the expiry of the key', async () => {
    const before = await makePublisher('rsa2048')
    const provenance = await clearSign('SHA512')
    const [fingerprint = ''] = before.fingerprints
    await gpg('--faked-system-time', secondsFromNow(3600), '--quick-set-expire', fingerprint, '2y')
    await gpg('--output', join(home, 'extended.gpg'), '--export-options', 'export-minimal', '--export')
    const trusted = await Keyring.parse(await readFile(join(home, 'extended.gpg')))
    const now = new Date(Date.now() + 7_200_000)
    requireKnownSigner(await verifyProvenance({ ...SUBJECT, provenance, trusted, now }))
  })

  it('makes a key with a passphrase with which we sign what Helm verifies', async () => {
    const passphrase = ['--passphrase', 'correct horse']
    await gpg(...passphrase, '--quick-generate-key', 'Server <server@example.com>', 'rsa2048', 'sign', '1d')
    const { stdout: armored } = await gpg(...passphrase, '--armor', '--export-secret-keys')
    const key = await SigningKey.open({ armored, passphrase: 'correct horse' })
    assert.ok(key.expiresAt !== undefined && key.expiresAt > new Date())

    const ring = join(home, 'keyring.gpg')
    await writeFile(ring, key.publicKeyring.toBinary())
    for (const helm of helmBinaries()) {
      const chart = await packageChart(helm, home)
      await writeFile(`${chart.path}.prov`, await key.sign(renderProvenanceMessage(chart)))
      const { code, stderr } = await runHelm(helm, ['verify', chart.path, '--keyring', ring], { home })
      assert.equal(code, 0, stderr)
    }
  })
})

/** As gpg's `--faked-system-time` wants it. */
function secondsFromNow(seconds: number): string {
  return String(Math.floor(Date.now() / 1000) + seconds)
}
