import assert from 'node:assert/strict'
import fc from 'fast-check'
import semver from 'semver'
import { isPrerelease, parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { refusal } from './archive-refusals.ts'

describe('parseChartVersion', () => {
  const accepted = [
    ...[
      '0.0.0',
      '1.2.3',
      'v1.12.1',
      '1.0.0-alpha.1',
      '1.0.0-0A.is.legal',
      '1.0.0--',
      '1.0.0-x-y-z.--',
      '1.0.0+001',
    ],
    ...[
      '1.0.0-rc.1+build.5',
      '1.0.0-0',
      '1.0.0+a.-.0',
      '9999999999999999999.0.0',
      `1.0.0+${'0'.repeat(122)}`,
    ],
  ]
  for (const version of accepted) {
    it(`accepts ${version.slice(0, 40)}`, () => {
      assert.equal(parseChartVersion(version), version)
    })
  }

  const refused = [
    ...[
      '',
      '1',
      '1.2',
      '1.2.3.4',
      '01.2.3',
      '1.02.3',
      '1.2.03',
      '1.2.3-',
      '1.2.3-01',
      '1.2.3-a..b',
      '1.2.3+',
      '1.2.3+a..b',
    ],
    ...[
      'V1.2.3',
      'vv1.2.3',
      ' 1.2.3',
      '1.2.3 ',
      '1.2.3\n',
      '1.2.3-a_b',
      '1.2.3-é',
      '=1.2.3',
      '^1.2.3',
      '1.2.x',
      '1.2.3/a',
    ],
    ...['-1.2.3', '1.2.3+a+b', '1.2.3-\u0661', `1.0.0+${'0'.repeat(123)}`],
  ]
  for (const version of refused) {
    it(`refuses ${JSON.stringify(version.slice(0, 40))}`, () => {
      assert.throws(() => parseChartVersion(version), refusal('not a SemVer 2 version'))
    })
  }

  for (const version of [
    '10000000000000000000.0.0',
    '0.0.10000000000000000000',
    '1.0.0-10000000000000000000',
  ]) {
    it(`refuses ${version}, which has more than 64 bits`, () => {
      assert.throws(() => parseChartVersion(version), refusal('too large for Helm'))
    })
  }

  it('allows large numbers where they are no numbers', () => {
    parseChartVersion('1.0.0-a10000000000000000000+10000000000000000000')
  })
})

describe('isPrerelease', () => {
  it('tells a pre-release from a release', () => {
    assert.equal(isPrerelease(parseChartVersion('v1.0.0-rc.1')), true)
    assert.equal(isPrerelease(parseChartVersion('1.0.0')), false)
    assert.equal(isPrerelease(parseChartVersion('1.0.0+a-b')), false)
  })
})

describe('versionSortKey', () => {
  it('orders the example of semver.org, item 11', () => {
    const versions = ['alpha', 'alpha.1', 'alpha.beta', 'beta', 'beta.2', 'beta.11', 'rc.1'].map(
      (p) => `1.0.0-${p}`,
    )
    assertAscending([...versions, '1.0.0', '1.0.1', '1.9.0', '1.10.0', '10.0.0'])
  })

  it('orders versions of equal precedence by their build metadata, then by their text', () => {
    assertAscending(['1.0.0', 'v1.0.0', '1.0.0+1', 'v1.0.0+1', '1.0.0+1.a', '1.0.0+10', '1.0.0+2'])
  })

  it('agrees with SemVer precedence, by bytes', () => {
    fc.assert(
      fc.property(versions(), versions(), (a, b) => {
        const precedence = semver.compare(a, b)
        const order = compareKeys(a, b)
        assert.ok(precedence === 0 ? (order === 0) === (a === b) : order === precedence, `${a} ${b}`)
      }),
      { numRuns: 2000 },
    )
  })

  it('is plain ASCII, as the order of databases differs beyond', () => {
    fc.assert(
      fc.property(versions(), (version) => /^[\x20-\x7e]+$/.test(versionSortKey(parseChartVersion(version)))),
    )
  })
})

function assertAscending(versions: readonly string[]): void {
  for (const [index, version] of versions.slice(1).entries()) {
    const before = versions[index] ?? ''
    assert.equal(compareKeys(before, version), -1, `${before} comes before ${version}`)
  }
}

function compareKeys(a: string, b: string): number {
  const [keyA, keyB] = [a, b].map((version) => Buffer.from(versionSortKey(parseChartVersion(version))))
  return Buffer.compare(keyA ?? Buffer.alloc(0), keyB ?? Buffer.alloc(0))
}

/** Few parts of few letters, so that many versions begin alike. */
function versions(): fc.Arbitrary<string> {
  const number = fc.oneof(fc.nat(11), fc.nat(2 ** 31)).map(String)
  const word = fc.stringMatching(/^[0-9aAz-]{0,2}[aAz-][0-9aAz-]{0,2}$/)
  const dotted = (part: fc.Arbitrary<string>) =>
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
  return fc
    .tuple(
      fc.constantFrom('', 'v'),
      fc.tuple(number, number, number).map((parts) => parts.join('.')),
      fc.option(dotted(fc.oneof(number, word)), { nil: undefined }),
      fc.option(dotted(fc.stringMatching(/^[0-9a-]{1,3}$/)), { nil: undefined }),
    )
    .map(([v, core, prerelease, build]) => {
      return `${v}${core}${prerelease === undefined ? '' : `-${prerelease}`}${build === undefined ? '' : `+${build}`}`
    })
}
