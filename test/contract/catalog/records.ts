import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { ROOT_REPOSITORY } from '../../../src/chart/repository-name.ts'
import { actor, digestOf, minutesAfterNoon, NOON } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRecords(use: CatalogHarness): void {
  describe('certificates', () => {
    const certificate = {
      issuerKey: digestOf('issuer'),
      serial: '1f',
      subject: 'CN=ci',
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

  describe('audit', () => {
    it('gives the newest entries first, as many as asked for', async () => {
      for (const detail of ['first', 'second', 'third']) {
        await use.catalog.appendAudit({ ...actor(), action: 'read', outcome: 'refused', detail })
      }
      const details = (await use.catalog.listAudit({ limit: 2 })).map((entry) => entry.detail)
      deepEqual(details, ['third', 'second'])
    })

    it('keeps every field, and tells the root repository from none', async () => {
      const bare = { ...actor(), action: 'admin', outcome: 'done' } as const
      const full = {
        ...actor('someone'),
        action: 'publish',
        outcome: 'refused',
        repository: ROOT_REPOSITORY,
        chart: 'demo',
        version: 'not even a version',
        detail: 'no grant',
      } as const
      await use.catalog.appendAudit(bare)
      await use.catalog.appendAudit(full)
      deepEqual(await use.catalog.listAudit({ limit: 9 }), [full, bare])
    })
  })
}
