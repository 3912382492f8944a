import { createPrivateKey } from 'node:crypto'
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { parseCrls } from '../../src/pki/crl.ts'
import { ChartroomFolder, serialOf } from '../support/chartroom-folder.ts'
import { TestCa } from '../support/test-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('chartroom cert, renewing,', () => {
  let template: ChartroomFolder
  let folder: ChartroomFolder
  const now = new Date()

  before(async () => {
    template = await ChartroomFolder.create()
  })

  after(async () => {
    await template.remove()
  })

  beforeEach(async () => {
    folder = await template.copy()
  })

  afterEach(async () => {
    await folder.remove()
  })

  describe('renew', () => {
    it('replaces the pair by a new one with the same names, for as long as before', async () => {
      const before = await folder.issue('ci', '--unit', 'publishers', '--dns', 'ci.example', '--days', '30')
      const oldKey = await folder.read('certs/clients/ci.key')
      const later = new Date(now.getTime() + 20 * DAY_MS)
      await folder.run(['cert', 'renew', 'ci'], { now: later })
      const after = await folder.certificate('certs/clients/ci.crt')
      deepEqual([after.subject, after.subjectAltName], [before.subject, before.subjectAltName])
      notEqual(await folder.read('certs/clients/ci.key'), oldKey)
      ok(after.checkPrivateKey(createPrivateKey(await folder.read('certs/clients/ci.key'))))
      equal(Math.round((after.validToDate.getTime() - later.getTime()) / DAY_MS), 30)
      deepEqual(
        (await folder.listed('ci')).map(({ state }) => state),
        ['valid', 'valid'],
      )
    })

    it('keeps the key where it is told to, and revokes the old certificate where it is told to', async () => {
      const before = await folder.issue('ci')
      const lines = await folder.run(['cert', 'renew', 'ci', '--keep-key', '--revoke-old', '--days', '7'])
      const after = await folder.certificate('certs/clients/ci.crt')
      ok(after.publicKey.equals(before.publicKey))
      ok(lines.includes(`revoked ${serialOf(before)}`))
      deepEqual(
        (await folder.listed('ci')).map(({ reason }) => reason),
        ['superseded', undefined],
      )
      ok(parseCrls(await folder.read('certs/crl.pem'))[0].revoked.has(serialOf(before)))
    })

    it('makes a bundle anew that is there', async () => {
      await folder.issue('ci', '--p12')
      const before = await folder.read('certs/clients/ci.p12.password')
      const lines = await folder.run(['cert', 'renew', 'ci'])
      ok(lines.includes(folder.file('certs/clients/ci.p12')))
      notEqual(await folder.read('certs/clients/ci.p12.password'), before)
    })

    it('gives the usual year to one that had to end with its CA', async () => {
      await folder.issue('ci', '--days', '36000')
      await folder.run(['ca', 'rotate'])
      await folder.run(['cert', 'renew', 'ci'])
      const { validToDate } = await folder.certificate('certs/clients/ci.crt')
      equal(Math.round((validToDate.getTime() - now.getTime()) / DAY_MS), 365)
    })

    it('refuses one that is revoked, one of another CA, one that is not here, and two keys', async () => {
      await folder.issue('ci')
      await folder.run(['cert', 'revoke', 'ci'])
      await folder.refuses(['cert', 'renew', 'ci'], /was revoked on .*\(unspecified\), so it is not renewed/)
      const peer = await (await TestCa.create()).client()
      await writeFile(folder.file('certs/clients/x.crt'), peer.cert)
      await folder.refuses(['cert', 'renew', 'x'], /x\.crt is not from the built-in CA/)
      await folder.refuses(['cert', 'renew', 'nobody'], /nobody\.crt cannot be read/)
      await folder.refuses(['cert', 'renew', 'ci', '--csr', 'x', '--keep-key'], /name two keys/)
    })
  })

  describe('server', () => {
    it('renews with the names that it has', async () => {
      const before = await folder.certificate('certs/server.crt')
      const lines = await folder.run(['cert', 'server', '--days', '90'])
      deepEqual(lines, [folder.file('certs/server.crt'), folder.file('certs/server.key')])
      const after = await folder.certificate('certs/server.crt')
      equal(after.subjectAltName, before.subjectAltName)
      notEqual(after.serialNumber, before.serialNumber)
      ok(after.checkPrivateKey(createPrivateKey(await folder.read('certs/server.key'))))
    })

    it('takes other names, and those of this machine where there is none yet', async () => {
      await folder.run(['cert', 'server', '--name', 'charts.example', '--name', '192.0.2.1'])
      equal(
        (await folder.certificate('certs/server.crt')).subjectAltName,
        'DNS:charts.example, IP Address:192.0.2.1',
      )
      await rm(folder.file('certs/server.crt'))
      await folder.run(['cert', 'server'])
      match((await folder.certificate('certs/server.crt')).subjectAltName ?? '', /DNS:localhost/)
    })

    it('leaves a certificate of another CA alone', async () => {
      const peer = await (await TestCa.create()).server()
      await writeFile(folder.file('certs/server.crt'), peer.cert)
      await folder.refuses(['cert', 'server'], /server\.crt is not from the built-in CA/)
      equal(await folder.read('certs/server.crt'), peer.cert)
    })
  })
})
