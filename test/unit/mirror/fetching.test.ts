import assert from 'node:assert/strict'
import { type Offer } from '../../../src/catalog/offers.ts'
import { AppError, type ErrorCode } from '../../../src/errors.ts'
import { createFetching } from '../../../src/mirror/fetching.ts'
import { type Mirror } from '../../../src/mirror/mirror.ts'
import { actorNow } from '../../support/use-cases.ts'

const MIRROR = {} as Mirror
/** Longer than a sync waits for an upstream. */
const TOO_LONG_S = 3600

function offer(version: string, upstream = 'up'): Offer {
  return { name: 'demo', version, upstream } as Offer
}

interface Fetched {
  readonly asked: readonly string[]
  readonly result: ReturnType<ReturnType<typeof createFetching>['result']>
  readonly mayGoOn: boolean
}

/** What a run makes of upstreams that answer with these errors, by version; without one, they have it. */
async function fetchAll(
  errors: Readonly<Record<string, ErrorCode>>,
  offers: readonly Offer[],
  current?: () => Mirror | undefined,
): Promise<Fetched> {
  const asked: string[] = []
  const fetching = createFetching(
    {
      catalog: { findVersion: () => Promise.resolve(undefined) },
      fetcher: {
        fetch: (_mirror, { version }) => {
          asked.push(version)
          const code = errors[version]
          if (code === undefined) return Promise.resolve('stored')
          return Promise.reject(new AppError(code, `${version}: ${code}`, { retryAfterS: TOO_LONG_S }))
        },
      },
    },
    MIRROR,
    { by: actorNow(), signal: new AbortController().signal, ...(current && { current }) },
  )
  for (const one of offers) if (fetching.mayGoOn()) await fetching.take(one)
  return { asked, result: fetching.result(), mayGoOn: fetching.mayGoOn() }
}

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0', '1.5.0', '1.6.0']

describe('createFetching', () => {
  it('goes on behind a version that is refused', async () => {
    const { result, mayGoOn } = await fetchAll({ '1.0.0': 'upstream-invalid' }, [
      offer('1.0.0'),
      offer('1.1.0'),
    ])
    assert.deepEqual(
      result.refused.map(({ version, reason }) => [version, reason]),
      [['1.0.0', '1.0.0: upstream-invalid']],
    )
    assert.deepEqual([result.fetched.length, mayGoOn], [1, true])
  })

  it('leaves an upstream alone that fails again and again, and no other', async () => {
    const errors = Object.fromEntries(VERSIONS.map((version) => [version, 'unavailable' as const]))
    const offers = [...VERSIONS.map((version) => offer(version)), offer('2.0.0', 'other')]
    const { asked, result } = await fetchAll(errors, offers)
    assert.deepEqual(asked, [...VERSIONS.slice(0, 5), '2.0.0'])
    assert.equal(result.stopped, undefined)
  })

  it('counts failures in a row only', async () => {
    const failing = VERSIONS.filter((version) => version !== '1.3.0')
    const errors = Object.fromEntries(failing.map((version) => [version, 'unavailable' as const]))
    const { asked } = await fetchAll(
      errors,
      VERSIONS.map((version) => offer(version)),
    )
    assert.deepEqual(asked, VERSIONS)
  })

  for (const code of ['storage-full', 'quota-exceeded', 'read-only', 'key-unusable'] as const) {
    it(`ends at ${code}, which concerns them all`, async () => {
      const { result, mayGoOn } = await fetchAll({ '1.0.0': code }, [offer('1.0.0'), offer('1.1.0')])
      assert.deepEqual([result.stopped, result.fetched, result.refused], [`1.0.0: ${code}`, [], []])
      assert.equal(mayGoOn, false)
    })
  }

  it('ends when the repository is no mirror any more', async () => {
    const { asked, result } = await fetchAll({}, [offer('1.0.0')], () => undefined)
    assert.deepEqual(asked, [])
    assert.match(result.stopped ?? '', /no mirror any more/)
  })
})
