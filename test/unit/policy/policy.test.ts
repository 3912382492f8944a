import assert from 'node:assert/strict'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseRepositoryName, ROOT_REPOSITORY } from '../../../src/chart/repository-name.ts'
import { Authorisation, narrowScope, operatorAuthorisation, Policy } from '../../../src/policy/policy.ts'
import { type Denial, type Grant, type Who } from '../../../src/policy/rule.ts'
import { identity } from '../../support/identity.ts'

const stable = parseRepositoryName('team-a/stable')
const demo = parseChartName('demo')

function grant(overrides: Partial<Grant> = {}): Grant {
  return { who: { anchor: 'built-in' }, may: ['read'], repositories: [{ glob: '**' }], ...overrides }
}

function denial(overrides: Partial<Denial> = {}): Denial {
  return { who: { anchor: 'built-in' }, deny: ['read'], repositories: [{ glob: '**' }], ...overrides }
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

  it('leaves out of its chart scope what is denied, with another key', () => {
    const rules = [
      [grant(), denial({ charts: [{ glob: 'core-*' }] })],
      [grant(), denial({ charts: [{ exact: 'demo' }] })],
      [grant({ charts: [{ glob: '**' }] }), denial({ charts: [{ exact: 'demo' }] })],
      [grant(), denial({ deny: ['publish'], charts: [{ exact: 'demo' }] })],
    ]
    const [noCore, noDemo, alsoNoDemo, whole] = rules.map(
      (list) => new Policy(list).authorise(identity(), 'read', stable).chartScope,
    )
    assert.deepEqual(
      ['demo', 'core-dns'].map((name) => [noCore?.covers(name), noDemo?.covers(name)]),
      [
        [true, false],
        [false, true],
      ],
    )
    assert.notEqual(noCore?.key, noDemo?.key)
    assert.equal(noDemo?.key, alsoNoDemo?.key)
    assert.equal(whole, undefined)
  })

  it('tells a granted pattern from the same one denied', () => {
    const [granted, denied] = [
      [grant({ charts: [{ exact: 'a' }, { exact: 'b' }] })],
      [grant({ charts: [{ exact: 'a' }] }), denial({ charts: [{ exact: 'b' }] })],
    ].map((rules) => new Policy(rules).authorise(identity(), 'read', stable).chartScope)
    assert.notEqual(granted?.key, denied?.key)
  })

  it('asks the same rules about another repository of the same identity', () => {
    const other = parseRepositoryName('team-b')
    const policy = new Policy([
      grant({ repositories: [{ exact: stable }], may: ['read', 'publish'] }),
      grant({ repositories: [{ exact: other }], charts: [{ exact: demo }] }),
    ])
    const elsewhere = policy.authorise(identity(), 'publish', stable).elsewhere(other)
    assert.equal(elsewhere?.action, 'read')
    assert.equal(elsewhere.repository, other)
    assert.deepEqual(
      ['demo', 'other'].map((name) => elsewhere.chartScope?.covers(name)),
      [true, false],
    )
    assert.equal(policy.authorise(identity(), 'read', stable).elsewhere(ROOT_REPOSITORY), undefined)
  })

  it('cannot be made by anybody but a policy', () => {
    const forged = Symbol('policy') as never
    assert.throws(
      () =>
        new Authorisation(forged, {
          identity: identity(),
          action: 'read',
          repository: stable,
          rules: [],
          elsewhere: () => undefined,
        }),
      TypeError,
    )
  })
})

describe('a group', () => {
  const group = {
    group: 'team-a',
    members: [{ anchor: 'built-in', cn: { exact: 'ci' } }, { anchor: 'company' }],
  }

  it('is whoever one of its members describes', () => {
    const policy = new Policy([grant({ who: group })])
    const people = [
      identity({ commonNames: ['ci'] }),
      identity({ anchor: 'company' }),
      identity({ commonNames: ['x'] }),
    ]
    assert.deepEqual(
      people.map((somebody) => policy.actionsOf(somebody, stable)),
      [['read'], ['read'], []],
    )
  })

  it('is nobody when it is empty', () => {
    const policy = new Policy([grant({ who: { group: 'nobody', members: [] } })])
    assert.deepEqual(policy.actionsOf(identity(), stable), [])
  })
})

describe('a denial', () => {
  it('wins over every grant, wherever it stands, and says that a rule denies it but not which', () => {
    const everything = grant({ may: ['read', 'publish'] })
    const no = denial({ deny: ['publish'], repositories: [{ exact: 'team-a/stable' }] })
    for (const rules of [
      [everything, no],
      [no, everything],
      [no, everything, everything],
    ]) {
      const policy = new Policy(rules)
      assert.throws(() => policy.authorise(identity({ value: 'ci' }), 'publish', stable), {
        code: 'not-allowed',
        message: '"ci" may not publish to team-a/stable: a rule denies it',
      })
      assert.deepEqual(policy.actionsOf(identity(), stable), ['read'])
      assert.deepEqual(policy.actionsOf(identity(), ROOT_REPOSITORY), ['read', 'publish'])
    }
  })

  it('is not told to somebody who has no grant either', () => {
    const policy = new Policy([denial()])
    assert.throws(() => policy.authorise(identity({ value: 'ci' }), 'read', stable), {
      message: '"ci" may not read team-a/stable',
    })
  })

  it('is for those whom it names', () => {
    const policy = new Policy([grant(), denial({ who: { anchor: 'built-in', cn: { exact: 'mallory' } } })])
    assert.deepEqual(policy.actionsOf(identity({ commonNames: ['alice'] }), stable), ['read'])
    assert.deepEqual(policy.actionsOf(identity({ commonNames: ['alice', 'mallory'] }), stable), [])
  })

  it('of some charts leaves the others', () => {
    const policy = new Policy([
      grant({ may: ['publish'] }),
      denial({ deny: ['publish'], charts: [{ exact: 'demo' }] }),
    ])
    const authorisation = policy.authorise(identity({ value: 'ci' }), 'publish', stable)
    authorisation.requireChart(parseChartName('other'))
    assert.equal(authorisation.allows('publish'), true)
    assert.equal(authorisation.allows('publish', demo), false)
    assert.throws(
      () => {
        authorisation.requireChart(demo)
      },
      { message: '"ci" may not publish to "demo" in team-a/stable: a rule denies it' },
    )
  })

  const narrowed: readonly (readonly [string, Grant['charts'], Denial['charts'], boolean])[] = [
    ['the only chart that is granted', [{ exact: 'demo' }], [{ exact: 'demo' }], false],
    ['the only chart that is granted, by a glob', [{ exact: 'demo' }], [{ glob: 'd*' }], false],
    ['one of two charts', [{ exact: 'demo' }, { exact: 'other' }], [{ exact: 'demo' }], true],
    ['the very glob that is granted', [{ glob: 'web-*' }], [{ glob: 'web-*' }], false],
    ['a chart within the glob that is granted', [{ glob: 'web-*' }], [{ exact: 'web-shop' }], true],
    ['every chart, by a glob', undefined, [{ glob: '*' }], false],
    ['every chart, by the other glob', [{ exact: 'demo' }], [{ glob: '**' }], false],
    ['some of every chart', undefined, [{ glob: 'web-*' }], true],
  ]
  for (const [what, granted, denied, remains] of narrowed) {
    it(`of ${what} leaves ${remains ? 'something' : 'nothing'} of the action`, () => {
      const policy = new Policy([
        grant(granted === undefined ? {} : { charts: granted }),
        denial(denied === undefined ? {} : { charts: denied }),
      ])
      assert.deepEqual(policy.actionsOf(identity(), stable), remains ? ['read'] : [])
    })
  }
})

describe('operatorAuthorisation', () => {
  it('covers the actions that the command has named, on every chart, and no other', () => {
    const authorisation = operatorAuthorisation('publish', stable, ['create'])
    authorisation.requireChart(demo)
    assert.equal(authorisation.repository, stable)
    assert.ok(authorisation.allows('create', demo))
    const overwriting = (): void => {
      authorisation.requireChart(demo, 'overwrite')
    }
    assert.throws(overwriting, {
      code: 'not-allowed',
      message: '"operator" may not overwrite in "demo" in team-a/stable',
    })
  })
})

describe('two chart scopes together', () => {
  function scope(...globs: readonly string[]) {
    const charts = globs.map((glob) => ({ glob }))
    return new Policy([grant({ charts })]).authorise(identity(), 'read', stable).chartScope
  }

  it('cover what both cover, whichever comes first', () => {
    const [web, ends] = [scope('web-*'), scope('*-end')]
    const both = narrowScope(web, ends)
    assert.deepEqual(
      ['web-end', 'web-x', 'x-end', 'x'].map((name) => both?.covers(name)),
      [true, false, false, false],
    )
    assert.equal(narrowScope(ends, web)?.key, both?.key)
    assert.notEqual(both?.key, web?.key)
  })

  it('are the one that there is, and everything without any', () => {
    const web = scope('web-*')
    assert.equal(narrowScope(web, undefined), web)
    assert.equal(narrowScope(undefined, web), web)
    assert.equal(narrowScope(web, scope('web-*'))?.key, web?.key)
    assert.equal(narrowScope(undefined, undefined), undefined)
  })
})
