import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { parseCrls } from '../../src/pki/crl.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { ChartroomFolder, serialOf } from '../support/chartroom-folder.ts'
import { TestCa } from '../support/test-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('chartroom cert, revoking,', () => {
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

  describe('revoke', () => {
    it('refuses every valid certificate of the name from now on, and says so in crl.pem', async () => {
      const first = await folder.issue('ci')
      await folder.run(['cert', 'renew', 'ci'])
      const second = await folder.certificate('certs/clients/ci.crt')
      const lines = await folder.run(['cert', 'revoke', 'ci', '--reason', 'cessationOfOperation'])
      equal(lines.length, 3)
      match(lines[0] ?? '', /^revoked [0-9a-f]{40} on 20.*\(cessationOfOperation\)$/)
      equal(lines[2], folder.file('certs/crl.pem'))
      const [crl] = parseCrls(await folder.read('certs/crl.pem'))
      ok(crl.verifiedBy(await folder.certificate('certs/ca.crt')))
      deepEqual([...crl.revoked.keys()].sort(), [serialOf(first), serialOf(second)].sort())
      equal(crl.revoked.get(serialOf(first))?.reason, 'cessationOfOperation')
    })

    it('takes a serial number as people write it, and says what was so before', async () => {
      const certificate = await folder.issue('ci')
      const written = certificate.serialNumber.replace(/..(?=.)/g, '$&:')
      await folder.run(['cert', 'revoke', '--serial', written, '--reason', 'superseded'])
      const [line] = await folder.run(['cert', 'revoke', '--serial', `0x${serialOf(certificate)}`])
      match(line ?? '', / already on .*\(superseded\)$/)
    })

    it('takes the file of a certificate that is not recorded, and of a company’s CA', async () => {
      const root = await TestCa.create({ name: 'Company root' })
      const peer = await (await root.intermediate('Issuing')).client({ cn: 'x' })
      await writeFile(folder.file('x.crt'), peer.cert)
      await writeFile(folder.file('company.crt'), root.certificatePem)
      const anchors = '[{ name: built-in, file: certs/ca.crt }, { name: company, file: company.crt }]'
      await writeFile(folder.file('chartroom.yaml'), `tls: { clientCAs: ${anchors} }\n`)
      const [line] = await folder.run(['cert', 'revoke', '--file', folder.file('x.crt')])
      match(line ?? '', /^revoked [0-9a-f]+ on/)
      const text = await folder.run(['cert', 'show', folder.file('x.crt')])
      match(text.join('\n'), /status: +revoked on/)
      equal(parseCrls(await folder.read('certs/crl.pem'))[0].revoked.size, 0)
    })

    it('raises the number of the list with every list', async () => {
      await folder.issue('ci')
      await folder.run(['cert', 'revoke', 'ci'], { now })
      const [first] = parseCrls(await folder.read('certs/crl.pem'))
      await folder.run(['cert', 'crl', '--days', '3'], { now })
      const [second] = parseCrls(await folder.read('certs/crl.pem'))
      ok((second.number ?? 0n) > (first.number ?? 0n))
      equal(Math.round(((second.nextUpdate?.getTime() ?? 0) - now.getTime()) / DAY_MS), 3)
    })

    it('drops from the list what has expired, once it was on a list after that', async () => {
      await folder.issue('ci', '--days', '1')
      await folder.run(['cert', 'revoke', 'ci'])
      const sizes: number[] = []
      for (const days of [2, 3]) {
        await folder.run(['cert', 'crl'], { now: new Date(now.getTime() + days * DAY_MS) })
        sizes.push(parseCrls(await folder.read('certs/crl.pem'))[0].revoked.size)
      }
      deepEqual(sizes, [1, 0])
    })

    it('has everybody on the list, when several are revoked at the same time', async () => {
      const names = ['a', 'b', 'c', 'd']
      for (const name of names) await folder.issue(name)
      await Promise.all(names.map((name) => folder.run(['cert', 'revoke', name])))
      equal(parseCrls(await folder.read('certs/crl.pem'))[0].revoked.size, names.length)
    })

    it('revokes all the same where the key of the CA is not here', async () => {
      await folder.issue('ci')
      await rm(folder.file('certs/ca.key'))
      const lines = await folder.run(['cert', 'revoke', 'ci'])
      match(lines[1] ?? '', /crl\.pem was not written: the CA's key is not here/)
      equal((await folder.listed('ci'))[0]?.state, 'revoked')
    })

    it('revokes all the same, but fails, when the list cannot be signed', async () => {
      await folder.issue('ci')
      await writeFile(folder.file('certs/crl.pem'), 'damaged')
      const { code, stderr } = await folder.attempt(['cert', 'revoke', 'ci'])
      equal(code, 1)
      match(stderr, /the certificate is revoked, but crl\.pem was not written: no CRL found/)
      equal((await folder.listed('ci'))[0]?.state, 'revoked')
    })

    it('refuses what names no certificate, or more than one way', async () => {
      await folder.refuses(['cert', 'revoke'], /say what to revoke/)
      await folder.refuses(['cert', 'revoke', 'ci', '--serial', '1'], /say what to revoke/)
      await folder.refuses(['cert', 'revoke', 'nobody'], /no certificate of "nobody" is recorded/)
      await folder.refuses(
        ['cert', 'revoke', '--serial', '1f'],
        /no certificate is recorded with this serial number/,
      )
      await folder.refuses(['cert', 'revoke', '--serial', 'xyz'], /not a serial number in hex: "xyz"/)
      await folder.refuses(
        ['cert', 'revoke', 'ci', '--reason', 'boredom'],
        /Allowed choices are unspecified/,
        2,
      )
      const peer = await (await TestCa.create()).client()
      await writeFile(folder.file('x.crt'), peer.cert)
      await folder.refuses(
        ['cert', 'revoke', '--file', folder.file('x.crt')],
        /no CA that this server trusts has issued it/,
      )
      await folder.issue('ci')
      await folder.run(['cert', 'revoke', 'ci'])
      await folder.refuses(
        ['cert', 'revoke', 'ci'],
        /no certificate of "ci" is valid: those recorded have expired or/,
      )
    })

    it('refuses a serial number that two CAs have given', async () => {
      const certificate = await folder.issue('ci')
      const catalog = await SqliteCatalog.open({ file: folder.file('storage/catalog.db') })
      const [known] = await catalog.findCertificates({ serial: serialOf(certificate) })
      ok(known)
      const by = { who: 'x', from: 'y', requestId: 'z', at: now }
      await catalog.recordCertificate({ ...known, issuerKey: 'f00' }, by)
      await catalog.close()
      await folder.refuses(
        ['cert', 'revoke', '--serial', serialOf(certificate)],
        /several CAs have issued one/,
      )
    })
  })
})
