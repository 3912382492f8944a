import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientTlsFiles, readClientTls } from '../../../src/publishing/client-tls.ts'
import { type PeerFiles, TestCa, type TestPeer } from '../../support/test-ca.ts'

describe('readClientTls', () => {
  let folder: string
  let ca: TestCa
  let peer: TestPeer
  let files: PeerFiles

  before(async () => {
    ca = await TestCa.create()
    peer = await ca.client()
  })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-tls-'))
    files = await peer.write(folder, 'ci')
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function assertRefused(given: ClientTlsFiles, message: RegExp): Promise<void> {
    await assert.rejects(readClientTls(given, new Date()), { code: 'key-unusable', message })
  }

  it('gives the three as they are', async () => {
    assert.deepEqual(await readClientTls(files, new Date()), {
      ca: [peer.ca],
      cert: peer.cert,
      key: peer.key,
    })
  })

  it('trusts whom the system trusts where no CA is named, and shows no certificate where none is', async () => {
    const { ca: trusted, ...shown } = await readClientTls({}, new Date())
    assert.ok(trusted.length > 50)
    assert.deepEqual(shown, {})
  })

  it('refuses one half of a pair', async () => {
    await assertRefused({ certFile: files.certFile }, /--cert-file is of no use without --key-file/)
    await assertRefused({ keyFile: files.keyFile }, /--key-file is of no use without --cert-file/)
  })

  it('refuses a certificate that has expired, or is not valid yet', async () => {
    const expired = await (await ca.expiredClient()).write(folder, 'expired')
    await assertRefused(expired, /expired\.crt expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
    const future = await (await ca.futureClient()).write(folder, 'future')
    await assertRefused(future, /future\.crt is valid only from \d{4}-/)
  })

  it('refuses the key of another certificate', async () => {
    const { keyFile } = await (await ca.client()).write(folder, 'other')
    await assertRefused({ ...files, keyFile }, /other\.key is not the key of the certificate in .*ci\.crt/)
  })

  it('refuses a key that every user of the machine can read', async () => {
    await chmod(files.keyFile, 0o644)
    await assertRefused(files, /open to every user of this machine: run chmod o-rwx/)
  })

  it('refuses files that are not there, or hold something else, by their names', async () => {
    await assertRefused({ ...files, certFile: join(folder, 'gone.crt') }, /gone\.crt cannot be read/)
    await assertRefused({ ...files, keyFile: join(folder, 'gone.key') }, /gone\.key" does not exist/)
    await assertRefused({ ...files, certFile: files.keyFile }, /ci\.key: no PEM certificate found/)
    await assertRefused({ caFile: files.keyFile }, /ci\.key: no PEM certificate found/)
    await writeFile(join(folder, 'text.key'), 'text', { mode: 0o600 })
    await assertRefused(
      { ...files, keyFile: join(folder, 'text.key') },
      /text\.key: no usable PEM private key/,
    )
  })
})
