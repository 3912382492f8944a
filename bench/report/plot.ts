import { type Curve, type Line } from './result.ts'
import { figure } from './tables.ts'

/** Curves on logarithmic axes, side by side, as one SVG that stands by itself on a light and on a dark page. */

const PANEL = { width: 330, height: 300, left: 52, right: 14, top: 34, bottom: 46 }
const COLOURS: Readonly<Record<string, string>> = {
  Chartroom: '#1f6feb',
  nginx: '#2da44e',
  ChartMuseum: '#d1572d',
}
const OTHER_COLOUR = '#8b949e'
const INK = '#6e7781'

interface Scale {
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
}

export function plot(curves: readonly Curve[]): string {
  const width = PANEL.width * curves.length
  const panels = curves.map((curve, index) => panel(curve, index * PANEL.width))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}" font-family="sans-serif" font-size="11" fill="${INK}">\n${panels.join('')}</svg>\n`
}

function panel({ title, unit, lines }: Curve, offset: number): string {
  const points = lines.flatMap((line) => line.points)
  const x = scale(
    points.map(({ size }) => size),
    PANEL.left,
    PANEL.width - PANEL.right,
  )
  const y = scale(
    points.map(({ value }) => value),
    PANEL.height - PANEL.bottom,
    PANEL.top,
  )
  const parts = [
    text(PANEL.left, 16, `${title}, ${unit}`, 'font-weight="bold"'),
    ...x.ticks.map((tick) =>
      text(x.place(tick), PANEL.height - 28, tick.toLocaleString('en'), 'text-anchor="middle"'),
    ),
    ...y.ticks.map((tick) => gridLine(y.place(tick), figure(tick))),
    text(
      (PANEL.left + PANEL.width) / 2,
      PANEL.height - 10,
      'versions in the repository',
      'text-anchor="middle"',
    ),
    ...lines.map((line, index) => drawLine(line, x, y, index)),
  ]
  return `<g transform="translate(${offset} 0)">\n${parts.join('')}</g>\n`
}

/** Powers of ten around the values. */
function scale(values: readonly number[], start: number, end: number): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10)
  const from = Math.floor(Math.min(...logs))
  const to = Math.max(from + 1, Math.ceil(Math.max(...logs)))
  return {
    place: (value) => start + ((Math.log10(value) - from) / (to - from)) * (end - start),
    ticks: Array.from({ length: to - from + 1 }, (_nothing, index) => 10 ** (from + index)),
  }
}

function drawLine({ name, points }: Line, x: Scale, y: Scale, index: number): string {
  const colour = COLOURS[name] ?? OTHER_COLOUR
  const places = points.map(({ size, value }) => [round(x.place(size)), round(y.place(value))] as const)
  const path = places.map((place) => place.join(',')).join(' ')
  const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>\n`)
  const label = text(PANEL.left + 8, PANEL.top + 12 + index * 14, name, `style="fill:${colour}"`)
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>\n${dots.join('')}${label}`
}

function gridLine(y: number, label: string): string {
  const rule = `<line x1="${PANEL.left}" x2="${PANEL.width - PANEL.right}" y1="${round(y)}" y2="${round(y)}" stroke="${INK}" stroke-opacity="0.25"/>\n`
  return rule + text(PANEL.left - 6, y + 4, label, 'text-anchor="end"')
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>\n`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
