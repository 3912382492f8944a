import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configSchema } from '../../../src/config/schema.ts'

const OPERATING = readFileSync(join(import.meta.dirname, '../../../docs/operating.md'), 'utf8')

describe('limits', () => {
  function problemsOf(limits: Readonly<Record<string, unknown>>): readonly string[] {
    return configSchema.safeParse({ limits }).error?.issues.map(({ message }) => message) ?? []
  }

  it('are all described for operators', () => {
    const section = /## Limits\n[^]*?\n## /.exec(OPERATING)?.[0] ?? ''
    for (const name of Object.keys(configSchema.parse({}).limits)) {
      assert.match(section, new RegExp(`\`${name}\``))
    }
  })

  it('take no 0, which Node would take for no limit, and nothing that its timers cannot measure', () => {
    const expected = ['expected a time of more than 0 and at most 24h']
    assert.deepEqual(problemsOf({ headersTimeout: '0s' }), expected)
    assert.deepEqual(problemsOf({ rateWindow: '25h' }), expected)
    assert.equal(problemsOf({ connections: 0 }).length, 1)
    assert.deepEqual(problemsOf({ rate: 'off', publishesWaiting: 0, replyStall: '24h' }), [])
  })
})
