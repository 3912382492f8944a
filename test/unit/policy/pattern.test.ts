import assert from 'node:assert/strict'
import { compilePattern, compilePatterns } from '../../../src/policy/pattern.ts'

describe('compilePattern', () => {
  const cases: readonly (readonly [glob: string, text: string, matches: boolean])[] = [
    ['team-a/*', 'team-a/stable', true],
    ['team-a/*', 'team-a/stable/x', false],
    ['team-a/*', 'team-a', false],
    ['team-a/**', 'team-a/stable/x', true],
    ['**', '', true],
    ['**', 'a/b\nc', true],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['ci-*-bot', 'ci-x-bot', true],
    ['ci-*-bot', 'ci-x-bots', false],
    ['a.b', 'axb', false],
    ['a+', 'aa', false],
    ['!admin', 'reader', false],
    ['!admin', '!admin', true],
    ['{a,b}', 'a', false],
    ['[ab]', 'a', false],
    ['a?', 'ab', false],
  ]
  for (const [glob, text, matches] of cases) {
    it(`${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)} with the glob ${glob}`, () => {
      assert.equal(compilePattern({ glob })(text), matches)
    })
  }

  it('takes an exact name as it is, stars and all', () => {
    const matches = compilePattern({ exact: 'team-*' })
    assert.equal(matches('team-a'), false)
    assert.equal(matches('team-*'), true)
  })
})

describe('compilePatterns', () => {
  it('matches what any of the patterns matches, and nothing without one', () => {
    const matches = compilePatterns([{ exact: 'a' }, { glob: 'b*' }])
    assert.deepEqual(['a', 'bc', 'c'].map(matches), [true, true, false])
    assert.equal(compilePatterns([])('a'), false)
  })
})
