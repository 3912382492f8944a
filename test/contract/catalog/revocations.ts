import { deepEqual, equal, ok } from 'node:assert/strict'
import { type CertificateRecord } from '../../../src/catalog/catalog.ts'
import { actor, digestOf, minutesAfterNoon, NOON } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRevocations(use: CatalogHarness): void {
  const issuerKey = digestOf('issuer')

  function certificate(name: string, serial: string): CertificateRecord {
    return {
      issuerKey,
      serial,
      name,
      subject: `CN=${name}`,
      altNames: [],
      notBefore: NOON,
      notAfter: minutesAfterNoon(60),
    }
  }

  describe('finding certificates', () => {
    const [first, second, other] = [certificate('ci', '1a'), certificate('ci', '2b'), certificate('cd', '3c')]

    beforeEach(async () => {
      for (const one of [first, second, other]) await use.catalog.recordCertificate(one, actor())
    })

    it('gives those that match all that is asked for, in the order of issue', async () => {
      deepEqual(await use.catalog.findCertificates({ name: 'ci' }), [first, second])
      deepEqual(await use.catalog.findCertificates({ serial: '3c' }), [other])
      deepEqual(await use.catalog.findCertificates({ name: 'ci', serial: '2b' }), [second])
      deepEqual(await use.catalog.findCertificates({ name: 'cd', serial: '2b' }), [])
      deepEqual(await use.catalog.findCertificates({}), [first, second, other])
    })

    it('matches exactly', async () => {
      deepEqual(await use.catalog.findCertificates({ name: 'c' }), [])
      deepEqual(await use.catalog.findCertificates({ name: 'CI' }), [])
      deepEqual(await use.catalog.findCertificates({ serial: '1A' }), [])
    })
  })

  describe('revocation', () => {
    it('is part of the certificate, listed with its end, and in the audit trail', async () => {
      const ci = certificate('ci', '1a')
      await use.catalog.recordCertificate(ci, actor())
      const revocation = { at: NOON, reason: 'keyCompromise' } as const
      deepEqual(await use.catalog.revokeCertificate(ci, 'keyCompromise', actor()), {
        outcome: 'revoked',
        revocation,
      })
      deepEqual(await use.catalog.listCertificates(), [{ ...ci, revocation }])
      deepEqual(await use.catalog.listRevoked(), [
        { issuerKey, serial: '1a', ...revocation, notAfter: ci.notAfter },
      ])
      const [entry] = await use.catalog.listAudit({ limit: 1 })
      equal(entry?.action, 'revoke-certificate')
      equal(entry.detail, 'serial 1a, keyCompromise')
    })

    it('keeps its first date and reason', async () => {
      const id = { issuerKey, serial: '1a' }
      await use.catalog.revokeCertificate(id, 'superseded', actor())
      const revision = await use.catalog.revocationRevision()
      const again = await use.catalog.revokeCertificate(id, 'keyCompromise', actor('ci', minutesAfterNoon(5)))
      deepEqual(again, { outcome: 'unchanged', revocation: { at: NOON, reason: 'superseded' } })
      equal(await use.catalog.revocationRevision(), revision)
      deepEqual(await use.audit(), ['revoke-certificate done', 'revoke-certificate unchanged'])
    })

    it('takes certificates that are not recorded, and tells the issuers apart', async () => {
      const id = { issuerKey, serial: 'ff' }
      await use.catalog.revokeCertificate(id, 'unspecified', actor())
      deepEqual(await use.catalog.listRevoked(), [{ ...id, at: NOON, reason: 'unspecified' }])
      const theirs = { ...certificate('ci', 'ff'), issuerKey: digestOf('another issuer') }
      await use.catalog.recordCertificate(theirs, actor())
      deepEqual(await use.catalog.findCertificates({ serial: 'ff' }), [theirs])
    })

    it('raises its revision, in every process', async () => {
      const other = await use.open()
      const before = await other.revocationRevision()
      await use.catalog.revokeCertificate({ issuerKey, serial: '1' }, 'unspecified', actor())
      const after = await other.revocationRevision()
      ok(after > before)
      await other.revokeCertificate({ issuerKey, serial: '2' }, 'unspecified', actor())
      ok((await use.catalog.revocationRevision()) > after)
    })
  })

  describe('when a certificate was last seen', () => {
    const ci = certificate('ci', '1a')

    it('is the latest time noted', async () => {
      await use.catalog.recordCertificate(ci, actor())
      for (const minutes of [1, 3, 2]) await use.catalog.noteSeen(ci, minutesAfterNoon(minutes))
      deepEqual(await use.catalog.listCertificates(), [{ ...ci, lastSeenAt: minutesAfterNoon(3) }])
    })

    it('is not kept of unknown certificates', async () => {
      await use.catalog.noteSeen(ci, NOON)
      await use.catalog.recordCertificate(ci, actor())
      deepEqual(await use.catalog.listCertificates(), [ci])
    })
  })
}
