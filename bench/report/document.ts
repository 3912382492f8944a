import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { plot } from './plot.ts'
import { type About, type Result } from './result.ts'
import { readResults } from './results-folder.ts'
import { checksTable, servingTable } from './tables.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const DOCUMENT = join(DOCS, 'performance.md')
const PLOT = join(DOCS, 'performance.svg')

const BEGIN = '<!-- bench: begin -->'
const END = '<!-- bench: end -->'

/** Writes the results into docs/performance.md, between the markers, and draws docs/performance.svg. */
export async function writeReport(folder: string): Promise<void> {
  const results = await readResults(folder)
  const config = await resolveConfig(DOCUMENT)
  const text = withSection(await readFile(DOCUMENT, 'utf8'), sectionOf(results))
  await writeFile(DOCUMENT, await format(text, { ...config, parser: 'markdown' }))
  const curves = results.flatMap((result) => result.curves ?? [])
  if (curves.length > 0) await writeFile(PLOT, plot(curves))
}

/** Throws for a text that has not both markers. */
export function withSection(text: string, section: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has not the lines ${BEGIN} and ${END}`)
  return `${text.slice(0, begin)}${BEGIN}\n\n${section}\n${text.slice(end)}`
}

export function sectionOf(results: readonly Result[]): string {
  const hasCurves = results.some(({ curves = [] }) => curves.length > 0)
  return [
    servingTable(results),
    checksTable(results),
    hasCurves ? '![Cost against the number of versions](performance.svg)\n' : '',
    measuredOn(results),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function measuredOn(results: readonly Result[]): string {
  const abouts = results.map(({ about }) => about)
  const all = (read: (about: About) => string): string => [...new Set(abouts.map(read))].join(', ')
  const versions = Object.assign({}, ...abouts.map((about) => about.versions)) as Record<string, string>
  const peers = Object.entries(versions).map(([name, version]) => `${name}: ${version}`)
  return [
    `Measured on ${all(({ date }) => date)} at ${all(({ commit }) => commit)}, on ${all(({ cpu, cores }) => `${cpu}, ${cores} cores`)},`,
    `Linux ${all(({ kernel }) => kernel)}, Node ${all(({ node }) => node)} with OpenSSL ${all(({ openssl }) => openssl)}.`,
    peers.length === 0 ? '' : `${peers.join('; ')}.`,
    '\n',
  ].join('\n')
}
