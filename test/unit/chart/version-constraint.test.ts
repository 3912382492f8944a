import assert from 'node:assert/strict'
import { parseVersionConstraint } from '../../../src/chart/version-constraint.ts'
import { parseChartVersion } from '../../../src/chart/version.ts'
import { AppError } from '../../../src/errors.ts'

const VERSIONS = [
  ...[
    '0.0.0',
    '0.0.3',
    '0.2.3',
    '0.3.0',
    '1.0.0-alpha',
    '1.0.0',
    '1.2.0-beta',
    '1.2.0',
    '1.2.3',
    '1.2.3+build',
  ],
  ...['v1.2.4', '1.3.0-rc.1', '1.3.0', '2.0.0-0', '2.0.0', '9007199254740993.0.0'],
].map(parseChartVersion)

/** What Masterminds/semver 3.4.0 says of each version, in the order of VERSIONS. */
const CONSTRAINTS: readonly (readonly [constraint: string, satisfied: string])[] = [
  ['*', '1111010111101011'],
  ['x', '1111010111101011'],
  ['1', '0000010111101000'],
  ['1.x', '0000010111101000'],
  ['v1', '0000010111101000'],
  ['1.2', '0000000111100000'],
  ['1.2.*', '0000000111100000'],
  ['=1.2', '0000000111100000'],
  ['1.2.3', '0000000011000000'],
  ['=1.2.3', '0000000011000000'],
  ['1.2.3+other', '0000000011000000'],
  ['v1.2.4', '0000000000100000'],
  ['1.3.0-rc.1', '0000000000010000'],
  ['!=1', '1111000000000011'],
  ['!=1.2', '1111010000001011'],
  ['!=1.2.3', '1111010100101011'],
  ['!=*', '0111010111101011'],
  ['>1', '0000000000000011'],
  ['>1.2', '0000000000001011'],
  ['>1.2.3', '0000000000101011'],
  ['>=1.2.3', '0000000011101011'],
  ['=>1.2.3', '0000000011101011'],
  ['<1.2', '1111010000000000'],
  ['<1.2.0', '1111010000000000'],
  ['<=1', '1111010111101000'],
  ['<=1.2', '1111010111100000'],
  ['<=1.2.3', '1111010111000000'],
  ['=<1.2.3', '1111010111000000'],
  ['<=*', '1100000000000000'],
  ['~1', '0000010111101000'],
  ['~1.2', '0000000111100000'],
  ['~1.2.3', '0000000011100000'],
  ['~>1.2', '0000000111100000'],
  ['~*', '1111010111101011'],
  ['~0.0.0', '1111010111101011'],
  ['^1.2', '0000000111101000'],
  ['^1', '0000010111101000'],
  ['^0', '1111000000000000'],
  ['^0.2', '0010000000000000'],
  ['^0.2.3', '0010000000000000'],
  ['^0.0', '1100000000000000'],
  ['^0.0.3', '0100000000000000'],
  ['^*', '1000000000000000'],
  ['>=1.0 <1.3', '0000010111100000'],
  ['>=1.0,<1.3', '0000010111100000'],
  ['>= 1.0 , < 1.3', '0000010111100000'],
  ['1.0 - 1.2', '0000010111100000'],
  ['1.0.0-alpha - 1.2.3', '0000111111000000'],
  ['>=1.0.0-0 <2', '0000111111111100'],
  ['>1-0', '0000000000000111'],
  ['^1.0.0-0', '0000111111111000'],
  ['!=1.2, >1-0', '0000000000000111'],
  ['0.2.3 || ^1.2', '0010000111101000'],
  ['1.x||>=2.0.0-0 <3', '0000010111101110'],
  ['>9007199254740992.0.0', '0000000000000001'],
  ['01.02', '0000000111100000'],
]

/** Masterminds/semver refuses them as well. */
const IMPROPER = [
  '',
  ' ',
  'latest',
  'a',
  '1.2.3.4',
  '1..2',
  '1.2.3-01',
  'V1',
  '>>1',
  '> =1',
  '1,',
  '1,,2',
  '||1',
  '1 -2',
]

describe('parseVersionConstraint', () => {
  for (const [constraint, expected] of CONSTRAINTS) {
    it(`reads ${constraint} as Helm does`, () => {
      const satisfies = parseVersionConstraint(constraint)
      assert.equal(VERSIONS.map((version) => (satisfies(version) ? '1' : '0')).join(''), expected)
    })
  }

  it('takes tabs and many blanks for one blank', () => {
    const satisfies = parseVersionConstraint(' >=\t1.2   <1.3 ')
    assert.equal(satisfies(parseChartVersion('1.2.3')), true)
    assert.equal(satisfies(parseChartVersion('1.3.0')), false)
  })

  for (const text of [...IMPROPER, '1'.repeat(300), `1${' '.repeat(400)}`, '99999999999999999999']) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(
        () => parseVersionConstraint(text),
        (error) =>
          error instanceof AppError &&
          error.code === 'chart-unknown' &&
          error.message.startsWith('improper constraint: "'),
      )
    })
  }

  it('answers a hostile text at once', () => {
    const started = performance.now()
    assert.throws(() => parseVersionConstraint(`${'1 , '.repeat(60)}!`), /improper constraint/)
    assert.ok(performance.now() - started < 100)
  })
})
