import { type PeerName } from '../servers/server.ts'
import { type Check, isMet, type Result, type ServingRow, type Target, type Unit } from './result.ts'
import { type Spread } from './statistics.ts'

/** Markdown, for the terminal and for docs/performance.md. */

const PEER_TITLES = [
  ['nginx', '÷ nginx (D)'],
  ['nginx-s', '÷ nginx (S)'],
  ['chartmuseum', '÷ ChartMuseum'],
  ['bare', '÷ bare Node'],
] as const satisfies readonly (readonly [PeerName, string])[]

/** Empty where nothing of the kind was measured. */
export function servingTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ serving = [] }) => serving)
  if (rows.length === 0) return ''
  return table(
    ['request', 'server CPU, µs', ...PEER_TITLES.map(([, title]) => title)],
    rows.map((row) => [
      row.title,
      figure(row.cpuMicros.chartroom?.median),
      ...PEER_TITLES.map(([peer]) => ratioCell(row, peer)),
    ]),
  )
}

export function checksTable(results: readonly Result[]): string {
  const checks = results.flatMap(({ checks: own = [] }) => own)
  if (checks.length === 0) return ''
  return table(
    ['at size', 'measured', 'target', 'made from'],
    checks.map((check) => [
      check.title,
      measuredCell(check),
      check.target ? targetText(check.target, check.unit) : '',
      madeFrom(check),
    ]),
  )
}

/** `**.61** (.59 to .63), target .70`: bold where it is met. */
function ratioCell({ ratios, targets }: ServingRow, peer: PeerName): string {
  const ratio = ratios[peer]
  const target = targets[peer]
  if (ratio === undefined) return '–'
  const text = figure(ratio.median)
  const range = ` (${rangeOf(ratio)})`
  if (target === undefined) return text + range
  return `${isMet(ratio.median, { most: target }) ? `**${text}**` : text}${range}, target ${figure(target)}`
}

function rangeOf({ lower, upper }: Spread): string {
  return `${figure(lower)} to ${figure(upper)}`
}

function measuredCell({ value, unit, target }: Check): string {
  const text = withUnit(value, unit)
  return target !== undefined && isMet(value, target) ? `**${text}**` : text
}

function targetText(target: Target, unit: Unit): string {
  return 'most' in target ? `≤ ${withUnit(target.most, unit)}` : `≥ ${withUnit(target.least, unit)}`
}

function withUnit(value: number, unit: Unit): string {
  if (unit === 'ratio' || unit === 'count') return figure(value)
  return `${figure(value)} ${unit === 'per second' ? 'a second' : unit}`
}

/** A series is for the result's file. */
function madeFrom({ from = {} }: Check): string {
  return Object.entries(from)
    .filter(([name]) => !/\d+\/\d+/.test(name))
    .map(([name, value]) => `${name}: ${figure(value)}`)
    .join('; ')
}

/** Three digits: more are noise. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const rounded = Number(value.toPrecision(3))
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(rounded)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}
