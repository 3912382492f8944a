import assert from 'node:assert/strict'
import { accessSchema, readGrants } from '../../../src/policy/policy-file.ts'

function read(access: unknown, anchors: readonly string[] = ['built-in']) {
  return readGrants(accessSchema.parse(access), anchors)
}

const anybody = { who: {}, may: ['read'], repositories: 'all' }

describe('readGrants', () => {
  it('fills in the only trust anchor', () => {
    assert.deepEqual(read([anybody]), {
      grants: [{ who: { anchor: 'built-in' }, may: ['read'], repositories: [{ glob: '**' }] }],
      problems: [],
    })
  })

  it('demands the trust anchor where there are several', () => {
    const { problems } = read([anybody], ['built-in', 'company'])
    assert.deepEqual(problems, [
      {
        path: 'access.0.who.anchor',
        message: 'required, because there are several trust anchors: built-in, company',
      },
    ])
  })

  it('refuses a trust anchor that is not configured', () => {
    const { problems } = read([{ ...anybody, who: { anchor: 'bulit-in' } }])
    assert.match(problems[0]?.message ?? '', /no such trust anchor; tls.clientCAs has: built-in/)
  })

  it('tells exact names from globs, and / from the repositories below it', () => {
    const { grants } = read([
      {
        who: { cn: 'a*' },
        may: ['read'],
        repositories: ['/', 'x', { glob: 'y/**' }],
        charts: ['c', { glob: 'd*' }],
      },
    ])
    assert.deepEqual(grants[0]?.repositories, [{ exact: '' }, { exact: 'x' }, { glob: 'y/**' }])
    assert.deepEqual(grants[0].charts, [{ exact: 'c' }, { glob: 'd*' }])
    assert.deepEqual(grants[0].who.cn, { exact: 'a*' })
  })

  it('takes a fingerprint as openssl prints it', () => {
    const { grants } = read([{ ...anybody, who: { fingerprint: Array(32).fill('AB').join(':') } }])
    assert.equal(grants[0]?.who.fingerprint, 'ab'.repeat(32))
  })

  const refused: readonly (readonly [string, unknown])[] = [
    ['an unknown attribute', { ...anybody, who: { name: 'x' } }],
    ['an unknown action', { ...anybody, may: ['write'] }],
    ['no action', { ...anybody, may: [] }],
    ['no repositories', { who: {}, may: ['read'] }],
    ['an empty list of charts', { ...anybody, charts: [] }],
    ['a short fingerprint', { ...anybody, who: { fingerprint: 'ab' } }],
  ]
  for (const [what, entry] of refused) {
    it(`refuses ${what}`, () => {
      assert.equal(accessSchema.safeParse([entry]).success, false)
    })
  }
})
