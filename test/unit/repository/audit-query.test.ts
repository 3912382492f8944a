import assert from 'node:assert/strict'
import { parseAuditQuery, renderPosition, type AuditFilter } from '../../../src/repository/audit-query.ts'

const NOW = new Date('2026-03-04T12:00:00.000Z')

function parse(filter: AuditFilter) {
  return parseAuditQuery(filter, { now: NOW, mostEntries: 500 })
}

describe('parseAuditQuery', () => {
  it('asks for a hundred entries where nothing is said', () => {
    assert.deepEqual(parse({}), { limit: 100 })
  })

  it('takes every filter', () => {
    const filter = { who: 'ci', repository: 'team-a', action: 'delete', outcome: 'refused', limit: '500' }
    assert.deepEqual(parse(filter), { ...filter, limit: 500 })
    assert.equal(parse({ repository: '/' }).repository, '')
  })

  const times: readonly (readonly [string, string])[] = [
    ['30m', '2026-03-04T11:30:00.000Z'],
    ['24h', '2026-03-03T12:00:00.000Z'],
    ['7d', '2026-02-25T12:00:00.000Z'],
    ['2026-03-01', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T10:00Z', '2026-03-01T10:00:00.000Z'],
    ['2026-03-01T10:00:00.5+02:00', '2026-03-01T08:00:00.500Z'],
  ]
  for (const [text, expected] of times) {
    it(`reads the time ${text}`, () => {
      assert.deepEqual(parse({ since: text, until: text }), {
        since: new Date(expected),
        until: new Date(expected),
        limit: 100,
      })
    })
  }

  it('finds the place again that it has written', () => {
    const position = { id: 17, at: NOW }
    assert.deepEqual(parse({ before: renderPosition(position) }).before, position)
  })

  const refused: readonly (readonly [keyof AuditFilter, string, RegExp])[] = [
    ['since', 'yesterday', /^since: expected a time such as 24h, .*not "yesterday"$/],
    ['since', '2026-03-01T10:00', /^since: expected a time/],
    ['until', '2026-13-01', /^until: expected a time/],
    ['action', 'push', /^action: expected one of publish, .*not "push"$/],
    ['outcome', 'ok', /^outcome: expected one of done, unchanged, refused, not "ok"$/],
    ['repository', 'Team', /not a repository name: "Team"/],
    ['limit', '0', /^limit: expected a number from 1 to 500, not "0"$/],
    ['limit', '501', /^limit: expected a number from 1 to 500/],
    ['limit', '1e2', /^limit: /],
    ['before', '17', /^before: not a place in the audit trail: "17"$/],
    ['before', '17@never', /^before: not a place/],
  ]
  for (const [name, text, message] of refused) {
    it(`refuses ${name} ${text}`, () => {
      assert.throws(() => parse({ [name]: text }), { code: 'request-invalid', message })
    })
  }
})
