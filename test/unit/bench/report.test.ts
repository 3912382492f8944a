import assert from 'node:assert/strict'
import { sectionOf, withSection } from '../../../bench/report/document.ts'
import { plot } from '../../../bench/report/plot.ts'
import { type Result } from '../../../bench/report/result.ts'
import { checksTable, figure, servingTable } from '../../../bench/report/tables.ts'

const ABOUT = {
  date: '2026-01-02',
  commit: '0123456789',
  cpu: 'A CPU',
  cores: 2,
  kernel: '6.1',
  node: 'v24.0.0',
  openssl: '3.5.0',
  versions: { nginx: 'nginx/1.22.1' },
}

const SERVING: Result = {
  work: 'keep-1k',
  about: ABOUT,
  settings: {},
  serving: [
    {
      title: 'keep-alive 1 KB',
      cpuMicros: { chartroom: { lower: 13, median: 14.26, upper: 15 } },
      ratios: {
        nginx: { lower: 1, median: 1.04, upper: 1.1 },
        chartmuseum: { lower: 0.7, median: 0.8, upper: 0.9 },
        bare: { lower: 1.9, median: 2, upper: 2.1 },
      },
      targets: { nginx: 1.1, 'nginx-s': 1.6, chartmuseum: 0.7 },
    },
  ],
}

const SIZED: Result = {
  work: 'start',
  about: ABOUT,
  settings: {},
  checks: [
    { title: 'start', value: 1.5, unit: 's', target: { most: 2 }, from: { rounds: 5, 'memory 1/60, MB': 9 } },
    { title: 'import', value: 250.4, unit: 'per second', target: { least: 300 } },
  ],
}

describe("the benchmark's report", () => {
  it('puts each ratio beside its target, bold where it is met', () => {
    const row = servingTable([SERVING]).split('\n')[2]
    assert.equal(
      row,
      '| keep-alive 1 KB | 14.3 | **1.04** (1 to 1.1), target 1.1 | – | 0.8 (0.7 to 0.9), target 0.7 | 2 (1.9 to 2.1) |',
    )
  })

  it('puts each figure beside its target and leaves series to the file', () => {
    const [, , start, imported] = checksTable([SIZED]).split('\n')
    assert.equal(start, '| start | **1.5 s** | ≤ 2 s | rounds: 5 |')
    assert.equal(imported, '| import | 250 a second | ≥ 300 a second |  |')
  })

  it('shows no table of what was not measured', () => {
    assert.equal(servingTable([SIZED]), '')
    assert.equal(checksTable([SERVING]), '')
  })

  it('shows three digits', () => {
    assert.deepEqual([0.12345, 1.2345, 123.45, 12345, undefined].map(figure), [
      '0.123',
      '1.23',
      '123',
      '12345',
      '–',
    ])
  })

  it('replaces what stands between the markers, and nothing else', () => {
    const text = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n'
    const once = withSection(text, sectionOf([SERVING, SIZED]))
    assert.match(once, /^before\n<!-- bench: begin -->\n\n\| request/)
    assert.match(once, /nginx: nginx\/1\.22\.1\.[^]*<!-- bench: end -->\nafter\n$/)
    assert.doesNotMatch(once, /old/)
    assert.equal(withSection(once, sectionOf([SERVING, SIZED])), once)
    assert.throws(() => withSection('no markers', ''), /has not the lines/)
  })

  it('draws each line on logarithmic axes', () => {
    const points = [
      { size: 100, value: 1 },
      { size: 10_000, value: 100 },
    ]
    const svg = plot([{ title: 'a < b', unit: 'ms', lines: [{ name: 'Chartroom', points }] }])
    const [first = '', last = ''] = /points="([^"]+)"/.exec(svg)?.[1]?.split(' ') ?? []
    assert.equal(first, '52,254')
    assert.equal(last, '316,34')
    assert.match(svg, />10,000<\/text>/)
    assert.match(svg, /a &lt; b, ms/)
  })
})
