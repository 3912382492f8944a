import assert from 'node:assert/strict'
import { type Subject } from '../../../src/policy/rule.ts'
import { describeSubject, isWithin } from '../../../src/policy/subject.ts'

const anchor = 'built-in'
const ci = { anchor, cn: { exact: 'ci' } }
const everybody = { anchor }

describe('describeSubject', () => {
  const shown: readonly (readonly [string, Subject])[] = [
    ['built-in (everybody)', everybody],
    ['built-in cn:"ci" ou~"team-*"', { ...ci, ou: { glob: 'team-*' } }],
    [`built-in fingerprint:${'ab'.repeat(32)}`, { anchor, fingerprint: 'ab'.repeat(32) }],
    ['group "ops"', { group: 'ops', members: [ci] }],
  ]
  for (const [text, subject] of shown) {
    it(`shows ${text}`, () => {
      assert.equal(describeSubject(subject), text)
    })
  }
})

describe('isWithin', () => {
  const cases: readonly (readonly [string, Subject, Subject, boolean])[] = [
    ['a name within everybody of its trust anchor', ci, everybody, true],
    ['everybody within a name', everybody, ci, false],
    ['another trust anchor', ci, { anchor: 'company' }, false],
    ['a name within itself', ci, ci, true],
    ['another name', ci, { anchor, cn: { exact: 'cd' } }, false],
    ['a name within a glob', ci, { anchor, cn: { glob: 'c*' } }, true],
    ['a glob within a name', { anchor, cn: { glob: 'c*' } }, ci, false],
    ['a glob within the same glob', { anchor, cn: { glob: 'c*' } }, { anchor, cn: { glob: 'c*' } }, true],
    [
      'a glob within the glob for everything',
      { anchor, cn: { glob: 'c*' } },
      { anchor, cn: { glob: '**' } },
      true,
    ],
    ['a glob within another glob', { anchor, cn: { glob: 'ci*' } }, { anchor, cn: { glob: 'c*' } }, false],
    ['two names within one of them', { ...ci, ou: { exact: 'x' } }, ci, true],
    ['a name within two', ci, { ...ci, ou: { exact: 'x' } }, false],
    ['a certificate within itself', { anchor, fingerprint: 'a' }, { anchor, fingerprint: 'a' }, true],
    ['another certificate', ci, { anchor, fingerprint: 'a' }, false],
    ['a group within what all its members are within', { group: 'g', members: [ci, ci] }, everybody, true],
    ['a group within one of its members', { group: 'g', members: [ci, everybody] }, ci, false],
    ['a member within its group', ci, { group: 'g', members: [{ anchor: 'company' }, ci] }, true],
  ]
  for (const [what, narrow, wide, expected] of cases) {
    it(`${expected ? 'finds' : 'does not find'} ${what}`, () => {
      assert.equal(isWithin(narrow, wide), expected)
    })
  }
})
