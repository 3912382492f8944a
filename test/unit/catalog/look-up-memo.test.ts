import assert from 'node:assert/strict'
import { LookUpMemo } from '../../../src/catalog/look-up-memo.ts'

describe('LookUpMemo', () => {
  let version: number
  let looks: number
  let lookUps: string[]
  let memo: LookUpMemo

  beforeEach(() => {
    version = 1
    looks = 0
    lookUps = []
    memo = new LookUpMemo(() => {
      looks += 1
      return version
    })
  })

  async function ask(key: string): Promise<string> {
    return memo.get(key, () => {
      lookUps.push(key)
      return `${key} at ${version}`
    })
  }

  it('looks up once until something is committed', async () => {
    assert.equal(await ask('a'), 'a at 1')
    assert.equal(await ask('a'), 'a at 1')
    version = 2
    assert.equal(await ask('a'), 'a at 2')
    assert.deepEqual(lookUps, ['a', 'a'])
  })

  it('looks for commits once for all questions of a turn, after the last of them', async () => {
    await ask('a')
    const answers = [ask('a'), ask('b')]
    version = 2
    answers.push(ask('a'))
    assert.deepEqual(await Promise.all(answers), ['a at 2', 'b at 2', 'a at 2'])
    assert.equal(looks, 2)
  })

  it('looks again for a question that comes with an answer', async () => {
    await ask('a')
    version = 2
    await ask('b').then(async () => {
      version = 3
      assert.equal(await ask('b'), 'b at 3')
    })
  })

  it('keeps nothing of a look-up that fails, and goes on after a look that failed', async () => {
    const failure = new Error('closed')
    const fails = (): never => {
      throw failure
    }
    await assert.rejects(memo.get('a', fails), failure)
    assert.equal(await ask('a'), 'a at 1')
    let isClosed = true
    const closing = new LookUpMemo(() => (isClosed ? fails() : 1))
    await assert.rejects(
      closing.get('a', () => 'x'),
      failure,
    )
    isClosed = false
    assert.equal(await closing.get('a', () => 'x'), 'x')
  })
})
