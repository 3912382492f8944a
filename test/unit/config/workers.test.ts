import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { configSchema } from '../../../src/config/schema.ts'

describe('workers', () => {
  it('is one process by default, a number, or as many as there are cores', () => {
    const inForce = (settings: object): number => configSchema.parse(settings).workers
    assert.equal(inForce({}), 1)
    assert.equal(inForce({ workers: 4 }), 4)
    assert.equal(inForce({ workers: '4' }), 4, 'as the environment has it')
    assert.equal(inForce({ workers: 'auto' }), availableParallelism())
  })

  it('is refused where it is no number of processes', () => {
    for (const workers of [0, -1, 1.5, 257, 'many', '', true]) {
      const { error } = configSchema.safeParse({ workers })
      assert.deepEqual(
        error?.issues.map(({ path }) => path),
        [['workers']],
        String(workers),
      )
    }
  })
})
