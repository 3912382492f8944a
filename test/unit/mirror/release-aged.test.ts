import { deepEqual, equal } from 'node:assert/strict'
import { pino } from 'pino'
import { parseRepositoryName, type RepositoryName } from '../../../src/chart/repository-name.ts'
import { type Mirror } from '../../../src/mirror/mirror.ts'
import { keepReleasing } from '../../../src/mirror/release-aged.ts'
import { eventually } from '../../support/eventually.ts'

describe('keepReleasing', () => {
  it('asks for each mirror what has aged by now, also after one that fails, until it is told to end', async () => {
    const names = ['one', 'broken', 'two'].map(parseRepositoryName)
    const now = new Date('2026-01-01T12:00:00Z')
    const asked: (readonly [RepositoryName, Date])[] = []
    const lines: { readonly mirror: string; readonly released?: number; readonly level: number }[] = []
    const stop = new AbortController()
    const releasing = keepReleasing(
      {
        offers: {
          openAged: async (repository, at) => {
            asked.push([repository, at])
            if (repository === names[1]) throw new Error('the disk is gone')
            return Promise.resolve(repository === names[2] ? 3 : 0)
          },
        },
        mirrors: () => names.map((repository) => ({ repository }) as Mirror),
        log: pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line) as never) }),
        now: () => now,
      },
      stop.signal,
    )
    await eventually(() => {
      equal(asked.length, 3)
    })
    stop.abort()
    await releasing
    deepEqual(
      asked,
      names.map((name) => [name, now]),
    )
    deepEqual(
      lines.map(({ level, mirror, released }) => [level, mirror, released]),
      [
        [50, 'broken', undefined],
        [30, 'two', 3],
      ],
    )
  })
})
