import { readingsOf } from '../chart/filename.ts'
import { RenderedIndex, type IndexState } from './rendered-index.ts'
import { LEAST_BYTES, type Pause } from './rope.ts'
import { entriesOf, type Entry, type Segment } from './segment.ts'

/** One of the indexes that a virtual one is made of. */
export interface IndexMember {
  /** All that it has, whoever may see it. */
  readonly whole: RenderedIndex
  /** What of it is shown; absent where nothing is. */
  readonly shown: RenderedIndex | undefined
  /** Charts whose names are its own although it has no version of them. */
  readonly kept: ReadonlySet<string>
}

type NameHolder = Pick<IndexMember, 'whole' | 'kept'>

/** The first member that has the name, whoever may see that. All others' charts of that name are out of the question. */
export function ownerOf<M extends NameHolder>(members: readonly M[], name: string): M | undefined {
  return members.find(({ whole, kept }) => kept.has(name) || whole.has(name))
}

/**
 * What is shown of the members, of each chart the versions of its owner. A segment that is shown whole, with no chart of
 * another member within it, is shared; the rest is rendered.
 */
export async function mergeIndexes(members: readonly IndexMember[], pause: Pause): Promise<RenderedIndex> {
  const pieces: (Segment | Entry[])[] = []
  for (const run of await findRuns(members, pause)) {
    const piece = pieceOf(members, run)
    const last = pieces.at(-1)
    if ('bytes' in piece || last === undefined || 'bytes' in last) pieces.push(piece)
    else last.push(...piece)
    await pause()
  }
  return RenderedIndex.join(stateOf(members), contextPathOf(members), pieces, pause)
}

/** Greater whenever one of the members is newer. */
export function stateOf(members: readonly IndexMember[]): IndexState {
  return {
    revision: members.reduce((sum, { whole }) => sum + whole.revision, 0),
    changedAt: new Date(Math.max(...members.map(({ whole }) => whole.changedAt.getTime()))),
  }
}

/** The chart's versions as the merged index has them. */
export function mergedVersionsOf(members: readonly IndexMember[], name: string): readonly Entry[] {
  const owner = ownerOf(members, name)
  return (owner?.shown?.versionsOf(name) ?? []).filter((entry) => !isOvershadowed(members, owner, entry))
}

/**
 * Two charts can have one file name (`chart/filename.ts`), and a URL leads to one of them: that of the earlier member.
 * The other is left out.
 */
function isOvershadowed(
  members: readonly IndexMember[],
  owner: IndexMember | undefined,
  { name, sortKey }: Entry,
): boolean {
  const version = versionIn(sortKey)
  if (!SECOND_VERSION.test(name) && !SECOND_VERSION.test(version)) return false
  const earlier = members.slice(0, owner && members.indexOf(owner))
  return readingsOf(`${name}-${version}`).some((reading) => {
    const other = ownerOf(earlier, reading.name)
    return other !== undefined && hasVersion(other.whole, reading.name, reading.version)
  })
}

export function hasVersion(index: RenderedIndex, name: string, version: string): boolean {
  return index.versionsOf(name).some(({ sortKey }) => versionIn(sortKey) === version)
}

/** What in a name or a version can be read as the version behind another name. */
const SECOND_VERSION = /-v?[0-9]+\.[0-9]+\.[0-9]/

/** A sort key ends with the version (`versionSortKey`). */
function versionIn(sortKey: string): string {
  return sortKey.slice(sortKey.lastIndexOf(' ') + 1)
}

/** Charts that follow each other in a segment and in the merged index; their places in the segment's list. */
interface Run {
  readonly owner: IndexMember
  readonly segment: Segment
  readonly first: number
  readonly last: number
}

function pieceOf(members: readonly IndexMember[], { owner, segment, first, last }: Run): Segment | Entry[] {
  const names = new Set(segment.charts.slice(first, last + 1).map(({ name }) => name))
  // A small one would leave what is around it in splinters.
  const isWhole = names.size === segment.charts.length && segment.bytes.length >= LEAST_BYTES
  if (isWhole && ![...names, ...segment.sortKeys].some((text) => SECOND_VERSION.test(text))) return segment
  const entries = entriesOf(segment, (name) => names.has(name))
  return entries.filter((entry) => !isOvershadowed(members, owner, entry))
}

/** Goes through the shown charts of all members at once, in order of name. */
async function findRuns(members: readonly IndexMember[], pause: Pause): Promise<readonly Run[]> {
  const runs: Run[] = []
  const cursors = members.map((member) => ({ member, segment: 0, chart: 0 }))
  for (let name = leastName(cursors); name !== undefined; name = leastName(cursors)) {
    const owner = ownerOf(members, name)
    for (const cursor of cursors) {
      for (let here = chartAt(cursor); here?.name === name; here = chartAt(cursor)) {
        if (cursor.member === owner) addTo(runs, { owner, segment: here.segment, place: cursor.chart })
        advance(cursor)
      }
    }
    await pause()
  }
  return runs
}

interface Cursor {
  readonly member: IndexMember
  segment: number
  chart: number
}

function chartAt({
  member,
  segment,
  chart,
}: Cursor): { readonly segment: Segment; readonly name: string } | undefined {
  const here = member.shown?.segments[segment]
  const name = here?.charts[chart]?.name
  return here === undefined || name === undefined ? undefined : { segment: here, name }
}

function advance(cursor: Cursor): void {
  const charts = cursor.member.shown?.segments[cursor.segment]?.charts.length ?? 0
  cursor.chart += 1
  if (cursor.chart < charts) return
  cursor.segment += 1
  cursor.chart = 0
}

function leastName(cursors: readonly Cursor[]): string | undefined {
  let least: string | undefined
  for (const cursor of cursors) {
    const name = chartAt(cursor)?.name
    if (name !== undefined && (least === undefined || name < least)) least = name
  }
  return least
}

function addTo(
  runs: Run[],
  { owner, segment, place }: { owner: IndexMember; segment: Segment; place: number },
): void {
  const last = runs.at(-1)
  if (last?.segment === segment && last.last === place - 1) runs[runs.length - 1] = { ...last, last: place }
  else runs.push({ owner, segment, first: place, last: place })
}

function contextPathOf([first]: readonly IndexMember[]): string {
  return first?.whole.contextPath ?? ''
}
