import assert from 'node:assert/strict'
import { readRequest } from '../../../bench/options.ts'

describe("the benchmark's options", () => {
  it('take a work by its name, and all requests as one', () => {
    const request = readRequest(['--works', 'serving,soak', '--peers', 'none', '--minutes', '10'])
    assert.ok(request.do === 'run')
    assert.equal(request.options.works.length, 11)
    assert.deepEqual(request.options.peers, [])
    assert.equal(request.options.minutes, 10)
  })

  it('measure everything at full size on request', () => {
    const request = readRequest(['--full', '--rounds', '3'])
    assert.ok(request.do === 'run')
    assert.equal(request.options.versions, 100_000)
    assert.equal(request.options.rounds, 3)
    assert.ok(request.options.works.includes('soak'))
  })

  it('say what they do not understand', () => {
    assert.throws(() => readRequest(['--works', 'everything']), /there is no work everything: new-1k/)
    assert.throws(() => readRequest(['--peers', 'apache']), /there is no peer apache: nginx/)
    assert.throws(() => readRequest(['--rounds', '0']), /--rounds takes a number above 0/)
    assert.throws(() => readRequest(['--fast']), /--fast/)
  })
})
