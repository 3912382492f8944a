import assert from 'node:assert/strict'
import { loadConfig } from '../../../src/config/load.ts'

async function load(retention: string): Promise<unknown> {
  const environment = { CHARTROOM_REPOSITORIES: `[{ name: team-a, retention: ${retention} }]` }
  return (await loadConfig({}, environment)).repositories[0]?.retention
}

describe('the setting retention', () => {
  it('takes a number of versions, a time, or both', async () => {
    assert.deepEqual(await load('{ keepVersions: 20 }'), { keepVersions: 20 })
    assert.deepEqual(await load('{ keepFor: 90d }'), { keepFor: 90 * 86_400_000 })
    assert.deepEqual(await load('{ keepVersions: 1, keepFor: 12h }'), {
      keepVersions: 1,
      keepFor: 12 * 3_600_000,
    })
  })

  const REFUSED: readonly (readonly [retention: string, message: RegExp])[] = [
    ['{}', /repositories\.0\.retention: required: one of keepVersions and keepFor/],
    ['{ keepVersions: 0 }', /repositories\.0\.retention\.keepVersions: /],
    ['{ keepFor: 90 }', /repositories\.0\.retention\.keepFor: expected a duration/],
    ['{ keepVersion: 1 }', /repositories\.0\.retention\.keepVersion: no such setting/],
  ]
  for (const [retention, message] of REFUSED) {
    it(`refuses ${retention}`, async () => {
      await assert.rejects(load(retention), { code: 'config-invalid', message })
    })
  }
})
