import assert from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { explainRights, personOf, personsOf } from '../../../src/policy/explain.ts'
import { type Rule } from '../../../src/policy/rule.ts'
import { identity } from '../../support/identity.ts'

const anchor = 'built-in'
const all = [{ glob: '**' }]
const publishers = { anchor, ou: { exact: 'publishers' } }
const stable = parseRepositoryName('team-a/stable')
const other = parseRepositoryName('team-b')

const RULES: readonly Rule[] = [
  { who: { anchor }, may: ['read'], repositories: all },
  { who: publishers, may: ['publish'], repositories: [{ glob: 'team-a/**' }] },
  { who: publishers, deny: ['publish'], repositories: all, charts: [{ exact: 'core' }] },
  {
    who: { group: 'leavers', members: [{ ...publishers, cn: { exact: 'bob' } }] },
    deny: ['read'],
    repositories: all,
  },
  { who: publishers, may: ['delete'], repositories: all, charts: [{ exact: 'demo' }] },
]

function decided(
  person: Parameters<typeof personOf>[1],
  action: 'read' | 'publish' | 'delete',
  chart?: string,
) {
  const query = { persons: [personOf('x', person)], repositories: [stable, other], ...(chart && { chart }) }
  return explainRights(RULES, query).map(({ decisions }) => decisions[action])
}

describe('explainRights', () => {
  const bob = identity({ commonNames: ['bob'], organizationalUnits: ['publishers'] })
  const eve = identity({ commonNames: ['eve'], organizationalUnits: ['publishers'] })

  it('names the rule that grants', () => {
    assert.deepEqual(decided(eve, 'read'), Array(2).fill({ verdict: 'granted', rules: [0] }))
  })

  it('names the rule that denies, where a grant was there', () => {
    assert.deepEqual(decided(bob, 'read'), Array(2).fill({ verdict: 'denied', rules: [3] }))
  })

  it('names grants and denials of an action for some charts only', () => {
    assert.deepEqual(decided(eve, 'publish'), [
      { verdict: 'partly', rules: [1, 2] },
      { verdict: 'ungranted', rules: [] },
    ])
    assert.deepEqual(decided(eve, 'delete')[0], { verdict: 'partly', rules: [4] })
  })

  it('decides about the chart that is asked for', () => {
    assert.deepEqual(decided(eve, 'publish', 'demo')[0], { verdict: 'granted', rules: [1] })
    assert.deepEqual(decided(eve, 'publish', 'core')[0], { verdict: 'denied', rules: [2] })
    assert.deepEqual(decided(eve, 'delete', 'core')[0], { verdict: 'ungranted', rules: [] })
  })

  it('says the same as the server decides', () => {
    const [rights] = explainRights(RULES, { persons: [personOf('eve', eve)], repositories: [stable] })
    assert.equal(rights?.person, 'eve')
    assert.equal(rights.repository, stable)
    assert.equal(rights.decisions.admin.verdict, 'ungranted')
  })
})

describe('personsOf', () => {
  it('has each subject of the rules once, with what all who are such hold', () => {
    const rights = explainRights(RULES, { persons: personsOf(RULES), repositories: [stable] })
    assert.deepEqual(
      rights.map(({ person, decisions }) => [person, decisions.read.verdict, decisions.publish.verdict]),
      [
        ['built-in (everybody)', 'granted', 'ungranted'],
        ['built-in ou:"publishers"', 'granted', 'partly'],
        ['group "leavers"', 'denied', 'partly'],
      ],
    )
  })
})
