import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { actor, digestOf, minutesAfterNoon, NOON } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRecords(use: CatalogHarness): void {
  describe('certificates', () => {
    const certificate = {
      issuerKey: digestOf('issuer'),
      serial: '1f',
      name: 'ci',
      subject: 'CN=ci',
      altNames: ['URI:spiffe://example.org/ci'],
      notBefore: NOON,
      notAfter: minutesAfterNoon(60),
    }

    it('lists what was recorded, in the order of issue', async () => {
      const second = { ...certificate, serial: '0a' }
      await use.catalog.recordCertificate(certificate, actor())
      await use.catalog.recordCertificate(second, actor())
      deepEqual(await use.catalog.listCertificates(), [certificate, second])
      deepEqual(await use.audit(), ['issue-certificate done', 'issue-certificate done'])
      ok((await use.catalog.listAudit({ limit: 1 }))[0]?.detail?.includes('0a'))
    })

    it('changes nothing when the same one is recorded again', async () => {
      await use.catalog.recordCertificate(certificate, actor())
      await use.catalog.recordCertificate(certificate, actor())
      deepEqual(await use.catalog.listCertificates(), [certificate])
      deepEqual(await use.audit(), ['issue-certificate done', 'issue-certificate unchanged'])
    })

    it('refuses another certificate under the same issuer and serial number, and writes nothing', async () => {
      await use.catalog.recordCertificate(certificate, actor())
      await rejects(use.catalog.recordCertificate({ ...certificate, subject: 'CN=other' }, actor()), {
        code: 'request-invalid',
        message: /serial number/,
      })
      equal((await use.audit()).length, 1)
      await use.catalog.recordCertificate({ ...certificate, issuerKey: digestOf('another issuer') }, actor())
    })
  })
}
