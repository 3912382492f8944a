import { equal } from 'node:assert/strict'
import { cacheStatus } from '../../../src/http/cache-status.ts'

describe('Cache-Status', () => {
  it('says in whole seconds how long a mirror counts as fresh, or no more', () => {
    equal(cacheStatus({ ttlMs: 59_900 }), 'chartroom; hit; ttl=59')
    equal(cacheStatus({ ttlMs: -500 }), 'chartroom; hit; ttl=-1')
  })

  it('quotes why it is stale, whatever the upstream has said', () => {
    equal(
      cacheStatus({ ttlMs: 0, detail: 'up: "ü" \\ \r\nx' }).replace(/^.*detail=/, ''),
      String.raw`"up: \"\\u00fc\" \\ \\u000d\\u000ax"`,
    )
    equal(cacheStatus({ ttlMs: 0, detail: 'x'.repeat(1000) }).length < 300, true)
  })
})
