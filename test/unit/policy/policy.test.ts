import assert from 'node:assert/strict'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseRepositoryName, ROOT_REPOSITORY } from '../../../src/chart/repository-name.ts'
import { Authorisation, Policy, type Grant, type Who } from '../../../src/policy/policy.ts'
import { identity } from '../../support/identity.ts'

const stable = parseRepositoryName('team-a/stable')
const demo = parseChartName('demo')

function grant(overrides: Partial<Grant> = {}): Grant {
  return { who: { anchor: 'built-in' }, may: ['read'], repositories: [{ glob: '**' }], ...overrides }
}

describe('Policy.authorise', () => {
  it('refuses what no grant allows, naming identity, action and repository', () => {
    const policy = new Policy([grant()])
    assert.throws(() => policy.authorise(identity({ value: 'reader' }), 'publish', stable), {
      code: 'not-allowed',
      message: '"reader" may not publish to team-a/stable',
    })
  })

  it('refuses everything without grants', () => {
    assert.throws(() => new Policy([]).authorise(identity(), 'read', ROOT_REPOSITORY), {
      code: 'not-allowed',
    })
  })

  it('lets no action imply another', () => {
    const policy = new Policy([grant({ may: ['admin', 'publish'] })])
    for (const action of ['read', 'overwrite', 'delete', 'create'] as const) {
      assert.throws(() => policy.authorise(identity(), action, stable), { code: 'not-allowed' })
    }
  })

  it('confines a grant to its repositories', () => {
    const policy = new Policy([grant({ repositories: [{ exact: 'team-a/stable' }] })])
    assert.equal(policy.authorise(identity(), 'read', stable).repository, stable)
    assert.throws(() => policy.authorise(identity(), 'read', parseRepositoryName('team-a/stable2')), {
      message: '"somebody" may not read team-a/stable2',
    })
  })

  it('escapes what a certificate says of itself', () => {
    assert.throws(() => new Policy([]).authorise(identity({ value: 'ä"\r\nx' }), 'read', ROOT_REPOSITORY), {
      message: '"\\u00e4\\"\\r\\nx" may not read the root repository',
    })
  })

  const matching: readonly (readonly [string, Who, boolean])[] = [
    ['another trust anchor', { anchor: 'company' }, false],
    ['a common name', { anchor: 'built-in', cn: { exact: 'ci' } }, true],
    ['another common name', { anchor: 'built-in', cn: { exact: 'c' } }, false],
    ['one of several organizational units', { anchor: 'built-in', ou: { exact: 'publishers' } }, true],
    ['an organization by glob', { anchor: 'built-in', o: { glob: 'Ex*' } }, true],
    ['a URI', { anchor: 'built-in', uri: { glob: 'spiffe://example.org/**' } }, true],
    ['an e-mail address', { anchor: 'built-in', email: { exact: 'ci@example.org' } }, true],
    ['a DNS name', { anchor: 'built-in', dns: { exact: 'ci.example.org' } }, true],
    ['a fingerprint', { anchor: 'built-in', fingerprint: 'ab'.repeat(32) }, true],
    ['another fingerprint', { anchor: 'built-in', fingerprint: 'cd'.repeat(32) }, false],
    ['one attribute of two', { anchor: 'built-in', cn: { exact: 'ci' }, o: { exact: 'Other' } }, false],
  ]
  for (const [what, who, applies] of matching) {
    it(`${applies ? 'applies' : 'does not apply'} a grant to ${what}`, () => {
      const somebody = identity({
        commonNames: ['ci'],
        organizations: ['Example'],
        organizationalUnits: ['staff', 'publishers'],
        uris: ['spiffe://example.org/ci/runner'],
        emails: ['ci@example.org'],
        dnsNames: ['ci.example.org'],
        fingerprint: 'ab'.repeat(32),
      })
      assert.deepEqual(new Policy([grant({ who })]).actionsOf(somebody, stable), applies ? ['read'] : [])
    })
  }
})

describe('Authorisation', () => {
  it('asks again once the chart is known', () => {
    const policy = new Policy([grant({ may: ['publish'], charts: [{ glob: 'web-*' }] })])
    const authorisation = policy.authorise(identity({ value: 'ci' }), 'publish', stable)
    authorisation.requireChart(parseChartName('web-shop'))
    assert.throws(
      () => {
        authorisation.requireChart(demo)
      },
      { code: 'not-allowed', message: '"ci" may not publish to "demo" in team-a/stable' },
    )
  })

  it('tells another action that the same identity holds there, for the same charts only', () => {
    const policy = new Policy([
      grant({ may: ['publish'] }),
      grant({ may: ['overwrite'], charts: [{ exact: 'demo' }] }),
    ])
    const authorisation = policy.authorise(identity(), 'publish', stable)
    assert.equal(authorisation.allows('overwrite', demo), true)
    assert.equal(authorisation.allows('overwrite', parseChartName('other')), false)
    assert.equal(authorisation.allows('delete', demo), false)
  })

  it('has no chart scope where one grant covers every chart', () => {
    const policy = new Policy([grant({ charts: [{ exact: 'demo' }] }), grant()])
    assert.equal(policy.authorise(identity(), 'read', stable).chartScope, undefined)
  })

  it('has the union of the grants as chart scope, with a key that does not depend on their order', () => {
    const one = grant({ charts: [{ exact: 'demo' }] })
    const two = grant({ charts: [{ glob: 'web-*' }] })
    const scopes = [new Policy([one, two]), new Policy([two, one]), new Policy([one])].map(
      (policy) => policy.authorise(identity(), 'read', stable).chartScope,
    )
    const [scope, reversed, narrower] = scopes
    assert.deepEqual(
      ['demo', 'web-shop', 'other'].map((name) => scope?.covers(name)),
      [true, true, false],
    )
    assert.equal(scope?.key, reversed?.key)
    assert.notEqual(scope?.key, narrower?.key)
  })

  it('cannot be made by anybody but a policy', () => {
    const forged = Symbol('policy') as never
    assert.throws(() => new Authorisation(forged, identity(), 'read', stable, []), TypeError)
  })
})
