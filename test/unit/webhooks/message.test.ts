import { deepEqual } from 'node:assert/strict'
import { changeMessage } from '../../../src/webhooks/message.ts'
import { digestOf, NOON, versionId } from '../../support/catalog-samples.ts'

describe('the message of an alarm', () => {
  it('says what is wrong with which version, and where it was', () => {
    const { repository, name: chart, version } = versionId('demo', '1.0.0', 'mirror')
    const alarm = { kind: 'digest-changed', reason: 'another one' } as const
    const digest = digestOf('other')
    const event = { repository, chart, version, digest, alarm, at: NOON, by: 'mirror', sequence: 1, id: 'a' }
    deepEqual(changeMessage({ ...event, kind: 'mirror-alarm' }, 'https://charts.example.org'), {
      id: 'a',
      event: 'mirror-alarm',
      repository,
      chart,
      version,
      digest: `sha256:${digest}`,
      alarm,
      at: NOON.toISOString(),
      by: 'mirror',
      url: 'https://charts.example.org/mirror/charts/demo-1.0.0.tgz',
    })
  })
})
