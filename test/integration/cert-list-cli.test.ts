import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { ChartroomFolder, serialOf } from '../support/chartroom-folder.ts'
import { TestCa } from '../support/test-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('chartroom cert, looking,', () => {
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

  describe('list', () => {
    it('says who, until when, in which state, and when last seen', async () => {
      const [valid, revoked] = [await folder.issue('valid'), await folder.issue('revoked')]
      await folder.issue('short', '--days', '1')
      await folder.run(['cert', 'revoke', 'revoked', '--reason', 'keyCompromise'])
      const catalog = await SqliteCatalog.open({ file: folder.file('storage/catalog.db') })
      const [known] = await catalog.findCertificates({ serial: serialOf(valid) })
      ok(known)
      await catalog.noteSeen(known, new Date('2026-03-04T12:00:00Z'))
      await catalog.close()
      const later = new Date(now.getTime() + 2 * DAY_MS)
      const table = (await folder.run(['cert', 'list'], { now: later })).map((line) => line.split(/ {2,}/))
      deepEqual(table[0], ['NAME', 'SERIAL', 'EXPIRES', 'STATE', 'LAST SEEN', 'SUBJECT'])
      const rowOf = (name: string): readonly string[] => table.find(([first]) => first === name) ?? []
      deepEqual(
        [rowOf('valid')[1], rowOf('valid')[3], rowOf('valid')[4]],
        [serialOf(valid), 'valid', '2026-03-04 12:00'],
      )
      match(rowOf('revoked')[3] ?? '', /^revoked \d{4}-.*\(keyCompromise\)$/)
      deepEqual([rowOf('short')[3], rowOf('short')[4]], ['expired', 'never'])
      const [entry] = await folder.listed('revoked')
      deepEqual([entry?.serial, entry?.state, entry?.reason], [serialOf(revoked), 'revoked', 'keyCompromise'])
      equal((await folder.listed('valid'))[0]?.lastSeenAt, '2026-03-04T12:00:00.000Z')
    })
  })

  describe('show', () => {
    async function show(file: string, options = {}): Promise<string> {
      return (await folder.run(['cert', 'show', file], options)).join('\n')
    }

    it('says what a certificate says, and who it is here', async () => {
      const certificate = await folder.issue('ci', '--unit', 'publishers', '--uri', 'spiffe://example.org/ci')
      const text = await show(folder.file('certs/clients/ci.crt'))
      match(text, /subject: +OU=publishers, CN=ci\n/)
      match(text, /names: +URI:spiffe:\/\/example.org\/ci\n/)
      match(text, /issuer: +CN=Chartroom CA\n/)
      ok(text.includes(serialOf(certificate)))
      ok(text.includes(certificate.fingerprint256.replaceAll(':', '').toLowerCase()))
      match(text, /identity: +built-in spiffe:"spiffe:\/\/example.org\/ci"\n/)
      match(text, /organization: none\nunit: +publishers\n/)
      match(text, /status: +not revoked, recorded here, never seen$/)
    })

    it('says that it is revoked, and that it has expired', async () => {
      await folder.issue('ci', '--days', '1')
      await folder.run(['cert', 'revoke', 'ci', '--reason', 'superseded'])
      const text = await show(folder.file('certs/clients/ci.crt'), {
        now: new Date(now.getTime() + 3 * DAY_MS),
      })
      match(text, /not after: .*\(expired\)/)
      match(text, /status: +revoked on .*\(superseded\)/)
    })

    it('says that somebody else’s certificate is nobody here', async () => {
      const peer = await (await TestCa.create()).client({ cn: 'x' })
      await writeFile(folder.file('x.crt'), peer.cert)
      const text = await show(folder.file('x.crt'))
      match(text, /identity: +none: no trust anchor has signed it/)
      match(text, /status: +not known: nobody known here issued it/)
      match(text, /names: +none/)
    })

    it('follows a chain that is in the file to a trust anchor', async () => {
      const root = await TestCa.create({ name: 'Company root' })
      const peer = await (await root.intermediate('Issuing')).client({ cn: 'x' })
      await writeFile(folder.file('x.crt'), peer.cert)
      await writeFile(folder.file('company.crt'), root.certificatePem)
      await writeFile(
        folder.file('anchors.yaml'),
        'tls: { clientCAs: [{ name: gone, file: nothing.crt }, { name: company, file: company.crt }] }\n',
      )
      await rename(folder.file('anchors.yaml'), folder.file('chartroom.yaml'))
      const text = await show(folder.file('x.crt'))
      match(text, /identity: +company cn:"x"/)
      match(text, /status: +not revoked, and not recorded here/)
    })

    it('says why a certificate names nobody', async () => {
      const ca = await TestCa.create()
      const peer = await ca.client({ cn: 'x', uri: ['https://a.example/', 'https://b.example/'] })
      await writeFile(folder.file('x.crt'), peer.cert)
      await writeFile(folder.file('certs/ca.crt'), ca.certificatePem)
      match(
        await show(folder.file('x.crt')),
        /identity: +none: your client certificate has several URI names/,
      )
    })

    it('makes no catalog where there is none', async () => {
      await rm(folder.file('storage'), { recursive: true })
      match(
        await show(folder.file('certs/clients/admin.crt')),
        /status: +not known: there is no catalog here/,
      )
      deepEqual((await readdir(folder.path)).sort(), ['certs', 'chartroom.yaml'])
    })

    it('refuses a file that is no certificate', async () => {
      await folder.refuses(
        ['cert', 'show', folder.file('chartroom.yaml')],
        /chartroom\.yaml: no PEM certificate found/,
      )
    })
  })
})
