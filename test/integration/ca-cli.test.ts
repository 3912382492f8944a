import { type X509Certificate } from 'node:crypto'
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { copyFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { parseCrls } from '../../src/pki/crl.ts'
import { parseCertificates } from '../../src/pki/pem.ts'
import { ChartroomFolder } from '../support/chartroom-folder.ts'
import { TestCa } from '../support/test-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('chartroom ca', () => {
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

  async function authorities(): Promise<readonly X509Certificate[]> {
    return parseCertificates(await folder.read('certs/ca.crt'))
  }

  function isIssuedBy(certificate: X509Certificate, ca: X509Certificate | undefined): boolean {
    return ca !== undefined && certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
  }

  async function modeOf(file: string): Promise<string> {
    return ((await stat(folder.file(file))).mode & 0o777).toString(8)
  }

  describe('rotate', () => {
    it('puts a new CA before the old one, and issues clients with it', async () => {
      const [before] = await authorities()
      const lines = await folder.run(['ca', 'rotate'])
      const [after, old, ...others] = await authorities()
      equal(old?.fingerprint256, before?.fingerprint256)
      equal(others.length, 0)
      match(after?.subject ?? '', /^CN=Chartroom CA 20\d\d-/)
      await folder.run(['cert', 'issue', 'ci'])
      ok(isIssuedBy(await folder.certificate('certs/clients/ci.crt'), after))
      deepEqual([await modeOf('certs/ca.key'), await modeOf('certs/ca.key.old')], ['600', '600'])
      ok(lines.includes(`wrote ${folder.file('certs/ca.key.old')}`))
      match(lines.join('\n'), /Before "chartroom ca retire":/)
    })

    it('leaves the server with the CA that every client trusts, also when it is renewed', async () => {
      const [old] = await authorities()
      const before = await folder.read('certs/server.crt')
      await folder.run(['ca', 'rotate'])
      equal(await folder.read('certs/server.crt'), before)
      await folder.run(['cert', 'server', '--name', 'charts.example'])
      ok(isIssuedBy(await folder.certificate('certs/server.crt'), old))
    })

    it('certifies the server with the new CA when the old one has expired', async () => {
      await folder.remove()
      folder = await ChartroomFolder.create({ now: new Date(now.getTime() - 3640 * DAY_MS) })
      await folder.run(['ca', 'rotate'], { now })
      await folder.run(['cert', 'server'], { now: new Date(now.getTime() + 30 * DAY_MS) })
      ok(isIssuedBy(await folder.certificate('certs/server.crt'), (await authorities())[0]))
    })

    it('keeps a list of revoked certificates for each of the two', async () => {
      await folder.run(['cert', 'issue', 'old'])
      await folder.run(['cert', 'revoke', 'old'])
      const lines = await folder.run(['ca', 'rotate'])
      ok(lines.includes(`wrote ${folder.file('certs/crl.pem')}`))
      await folder.run(['cert', 'issue', 'new'])
      await folder.run(['cert', 'revoke', 'new'])
      const lists = parseCrls(await folder.read('certs/crl.pem'))
      const serials = await Promise.all(
        ['new', 'old'].map(async (name) => {
          const { serialNumber } = await folder.certificate(`certs/clients/${name}.crt`)
          return [serialNumber.toLowerCase()]
        }),
      )
      deepEqual(
        lists.map(({ revoked }) => [...revoked.keys()]),
        serials,
      )
      const both = await authorities()
      ok(lists.every((list, place) => both[place] !== undefined && list.verifiedBy(both[place])))
    })

    it('keeps the old list as it was where the old key is elsewhere', async () => {
      await folder.run(['cert', 'issue', 'old'])
      await folder.run(['cert', 'revoke', 'old'])
      await folder.run(['ca', 'rotate'])
      const [, before] = parseCrls(await folder.read('certs/crl.pem'))
      await rm(folder.file('certs/ca.key.old'))
      await folder.run(['cert', 'crl'])
      const lists = parseCrls(await folder.read('certs/crl.pem'))
      equal(lists.length, 2)
      equal(lists[1]?.toPem(), before?.toPem())
    })

    it('refuses a second one, and a CA of the same name', async () => {
      await folder.refuses(['ca', 'rotate', '--name', 'Chartroom CA'], /needs another name/)
      await folder.run(['ca', 'rotate', '--name', 'Another'])
      await folder.refuses(['ca', 'rotate'], /holds two CAs already: finish that rotation/)
      deepEqual(
        (await authorities()).map(({ subject }) => subject),
        ['CN=Another', 'CN=Chartroom CA'],
      )
    })

    it('is undone by retire when it did not come to its end', async () => {
      const before = await folder.read('certs/ca.crt')
      const stray = await TestCa.create({ name: 'Never used' })
      await writeFile(folder.file('certs/ca.crt'), stray.certificatePem + before)
      await copyFile(folder.file('certs/ca.key'), folder.file('certs/ca.key.old'))
      await folder.run(['cert', 'issue', 'meanwhile'])
      await folder.run(['ca', 'retire'])
      equal(await folder.read('certs/ca.crt'), before)
      await folder.run(['ca', 'rotate'])
    })
  })

  describe('retire', () => {
    it('leaves the new CA alone, and a server and a list of its own', async () => {
      await folder.run(['cert', 'crl'])
      await folder.run(['ca', 'rotate'])
      const [after] = await authorities()
      await folder.run(['cert', 'renew', 'admin'])
      const names = (await folder.certificate('certs/server.crt')).subjectAltName
      await folder.run(['ca', 'retire'])
      deepEqual(
        (await authorities()).map(({ fingerprint256 }) => fingerprint256),
        [after?.fingerprint256],
      )
      const server = await folder.certificate('certs/server.crt')
      ok(isIssuedBy(server, after))
      equal(server.subjectAltName, names)
      ok(!(await readdir(folder.file('certs'))).includes('ca.key.old'))
      equal(parseCrls(await folder.read('certs/crl.pem')).length, 1)
    })

    it('refuses while somebody has no certificate of the new CA, unless it is forced', async () => {
      for (let place = 1; place <= 11; place += 1) await folder.run(['cert', 'issue', `ci-${place}`])
      await folder.run(['ca', 'rotate'])
      await folder.run(['cert', 'renew', 'ci-1'])
      await folder.refuses(
        ['ca', 'retire'],
        /not renewed yet under the new CA: admin, ci-2, .*ci-10 and 1 more; renew them/,
      )
      equal((await authorities()).length, 2)
      await folder.run(['ca', 'retire', '--force'])
      equal((await authorities()).length, 1)
    })

    it('does not wait for who is revoked', async () => {
      await folder.run(['ca', 'rotate'])
      await folder.run(['cert', 'revoke', 'admin'])
      await folder.run(['ca', 'retire'])
    })

    it('leaves a server certificate alone that another CA has made, and one that is not there', async () => {
      const peer = await (await TestCa.create()).server()
      await writeFile(folder.file('certs/server.crt'), peer.cert)
      await folder.run(['ca', 'rotate'])
      await folder.run(['ca', 'retire', '--force'])
      equal(await folder.read('certs/server.crt'), peer.cert)
      await rm(folder.file('certs/server.crt'))
      await folder.run(['ca', 'rotate', '--name', 'Third'])
      await folder.run(['ca', 'retire', '--force'])
      ok(!(await readdir(folder.file('certs'))).includes('server.crt'))
    })

    it('leaves a server certificate alone that is of the new CA already', async () => {
      await folder.run(['ca', 'rotate'])
      await rm(folder.file('certs/ca.key.old'))
      await folder.run(['cert', 'server'])
      const server = await folder.read('certs/server.crt')
      await folder.run(['ca', 'retire', '--force'])
      equal(await folder.read('certs/server.crt'), server)
    })

    it('refuses when there is none to retire', async () => {
      await folder.refuses(['ca', 'retire'], /holds one CA only: there is none to retire/)
    })
  })

  describe('with a passphrase', () => {
    const environment = { CHARTROOM_CA_PASSPHRASE: 'correct horse' }
    let locked: ChartroomFolder

    before(async () => {
      locked = await ChartroomFolder.create({ environment })
    })

    after(async () => {
      await locked.remove()
    })

    beforeEach(async () => {
      await folder.remove()
      folder = await locked.copy()
    })

    it('keeps its key encrypted, and issues with it', async () => {
      match(await folder.read('certs/ca.key'), /BEGIN ENCRYPTED PRIVATE KEY/)
      await folder.run(['cert', 'issue', 'ci'], { environment })
    })

    it('reads the passphrase from a file, without its line end', async () => {
      await writeFile(folder.file('passphrase'), 'correct horse\n', { mode: 0o600 })
      await writeFile(folder.file('chartroom.yaml'), 'ca: { passphraseFile: passphrase }\n')
      await folder.run(['cert', 'issue', 'ci'])
    })

    it('encrypts the next key too', async () => {
      const before = await folder.read('certs/ca.key')
      await folder.run(['ca', 'rotate'], { environment })
      match(await folder.read('certs/ca.key'), /BEGIN ENCRYPTED PRIVATE KEY/)
      notEqual(await folder.read('certs/ca.key'), before)
      equal(await folder.read('certs/ca.key.old'), before)
    })

    it('is not asked for by init when nothing is missing', async () => {
      deepEqual(await folder.run(['init']), [''])
    })

    it('refuses to issue without it, with a wrong one, and with two', async () => {
      await folder.refuses(
        ['cert', 'issue', 'ci'],
        /ca\.key is encrypted: set CHARTROOM_CA_PASSPHRASE or ca\.passphraseFile/,
      )
      const wrong = await folder.attempt(['cert', 'issue', 'ci'], {
        environment: { CHARTROOM_CA_PASSPHRASE: 'wrong' },
      })
      equal(wrong.code, 1)
      match(wrong.stderr, /the passphrase does not open the private key/)
      const both = await folder.attempt(['cert', 'issue', 'ci'], {
        environment: { ...environment, CHARTROOM_CA_PASSPHRASE_FILE: 'x' },
      })
      equal(both.code, 2)
      match(both.stderr, /only one of ca\.passphrase and ca\.passphraseFile/)
    })
  })
})
