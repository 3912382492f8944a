import assert from 'node:assert/strict'
import { accessSchema, groupsSchema, readRules } from '../../../src/policy/policy-file.ts'

function read(
  access: unknown,
  { anchors = ['built-in'], groups = {} }: { anchors?: string[]; groups?: unknown } = {},
) {
  const sections = { access: accessSchema.parse(access), groups: groupsSchema.parse(groups) }
  return readRules(sections, { anchors, suggest: (typed, known) => ` (${typed}, not ${known.join('|')})` })
}

const anybody = { who: {}, may: ['read'], repositories: 'all' }

describe('readRules', () => {
  it('fills in the only trust anchor', () => {
    assert.deepEqual(read([anybody]), {
      rules: [{ who: { anchor: 'built-in' }, may: ['read'], repositories: [{ glob: '**' }] }],
      problems: [],
    })
  })

  it('tells exact names from globs, and / from the repositories below it', () => {
    const { rules } = read([
      {
        who: { cn: 'a*' },
        may: ['read'],
        repositories: ['/', 'x', { glob: 'y/**' }],
        charts: ['c', { glob: 'd*' }],
      },
    ])
    assert.deepEqual(rules, [
      {
        who: { anchor: 'built-in', cn: { exact: 'a*' } },
        may: ['read'],
        repositories: [{ exact: '' }, { exact: 'x' }, { glob: 'y/**' }],
        charts: [{ exact: 'c' }, { glob: 'd*' }],
      },
    ])
  })

  it('takes a fingerprint as openssl prints it', () => {
    const { rules } = read([{ ...anybody, who: { fingerprint: Array(32).fill('AB').join(':') } }])
    assert.deepEqual(rules[0]?.who, { anchor: 'built-in', fingerprint: 'ab'.repeat(32) })
  })

  it('keeps the order of the file, denials among grants', () => {
    const { rules, problems } = read([
      anybody,
      { who: { cn: 'x' }, deny: ['read'], repositories: ['a'] },
      anybody,
    ])
    assert.deepEqual(problems, [])
    assert.deepEqual(
      rules.map((rule) => ('deny' in rule ? rule.deny : rule.may)),
      [['read'], ['read'], ['read']],
    )
    assert.deepEqual(rules[1], {
      who: { anchor: 'built-in', cn: { exact: 'x' } },
      deny: ['read'],
      repositories: [{ exact: 'a' }],
    })
  })

  it('puts the members in the place of a group, each under its trust anchor', () => {
    const { rules, problems } = read([{ ...anybody, who: { group: 'ops' } }], {
      groups: { ops: [{ cn: 'a' }, { ou: { glob: 'b*' } }], idle: [] },
    })
    assert.deepEqual(problems, [])
    assert.deepEqual(rules[0]?.who, {
      group: 'ops',
      members: [
        { anchor: 'built-in', cn: { exact: 'a' } },
        { anchor: 'built-in', ou: { glob: 'b*' } },
      ],
    })
  })

  const several = { anchors: ['built-in', 'company'] }
  const contradictory: readonly (readonly [string, unknown, Parameters<typeof read>[1], string, RegExp])[] = [
    [
      'no trust anchor where there are several',
      anybody,
      several,
      'access.0.who.anchor',
      /^required, because there are several trust anchors: built-in, company$/,
    ],
    [
      'a trust anchor that is not configured',
      { ...anybody, who: { anchor: 'bulit-in' } },
      {},
      'access.0.who.anchor',
      /no such trust anchor; tls.clientCAs has: built-in/,
    ],
    [
      'a rule where there is no trust anchor',
      anybody,
      { anchors: [] },
      'access.0.who.anchor',
      /no such trust anchor/,
    ],
    [
      'a member without its trust anchor',
      anybody,
      { groups: { ops: [{ anchor: 'built-in' }, { anchor: 'x' }] } },
      'groups.ops.1.anchor',
      /no such trust anchor/,
    ],
    [
      'an unknown group, with the known ones',
      { ...anybody, who: { group: 'opps' } },
      { groups: { ops: [], dev: [] } },
      'access.0.who.group',
      /^no such group \(opps, not ops\|dev\)$/,
    ],
    [
      'a group that is narrowed where it is used',
      { ...anybody, who: { group: 'ops', cn: 'x' } },
      { groups: { ops: [] } },
      'access.0.who',
      /a group stands alone/,
    ],
    ['both may and deny', { ...anybody, deny: ['read'] }, {}, 'access.0', /either may or deny, and not both/],
    ['neither may nor deny', { who: {}, repositories: 'all' }, {}, 'access.0', /either may or deny/],
    [
      'admin for some charts',
      { ...anybody, may: ['admin'], charts: ['x'] },
      {},
      'access.0.charts',
      /admin is about the whole server/,
    ],
    [
      'admin denied for some charts',
      { who: {}, deny: ['read', 'admin'], repositories: 'all', charts: ['x'] },
      {},
      'access.0.charts',
      /admin is about the whole server/,
    ],
  ]
  for (const [what, entry, context, path, message] of contradictory) {
    it(`reports ${what}`, () => {
      const { problems } = read([entry], context)
      const mine = problems.find((problem) => problem.path === path)
      assert.match(mine?.message ?? `nothing at ${path}: ${JSON.stringify(problems)}`, message)
    })
  }

  const refused: readonly (readonly [string, unknown])[] = [
    ['an unknown attribute', { ...anybody, who: { name: 'x' } }],
    ['an unknown action', { ...anybody, may: ['write'] }],
    ['no action', { ...anybody, may: [] }],
    ['no denied action', { ...anybody, may: undefined, deny: [] }],
    ['no repositories', { who: {}, may: ['read'] }],
    ['an empty list of charts', { ...anybody, charts: [] }],
    ['a short fingerprint', { ...anybody, who: { fingerprint: 'ab' } }],
  ]
  for (const [what, entry] of refused) {
    it(`refuses ${what}`, () => {
      assert.equal(accessSchema.safeParse([entry]).success, false)
    })
  }

  it('refuses a group within a group', () => {
    assert.equal(groupsSchema.safeParse({ a: [{ group: 'b' }] }).success, false)
  })
})
