import { mergedVersionsOf, stateOf, type IndexMember } from './merged-index.ts'
import { type RenderedIndex, type VersionUpdate } from './rendered-index.ts'
import { type Pause } from './rope.ts'
import { type ChartRun, type Entry } from './segment.ts'

/** What a merged index was made of: enough to see what has changed, without holding on to the members' bytes. */
export type MergeTrace = readonly MemberTrace[]

interface MemberTrace {
  /** A segment's list of charts stands for the segment: each revision shares those in which nothing changed. */
  readonly lists: ReadonlySet<readonly ChartRun[]>
  readonly kept: ReadonlySet<string>
}

/** Past this many charts to look at, merging anew is less work. */
const MOST_CHARTS = 2_000

export function traceOf(members: readonly IndexMember[]): MergeTrace {
  return members.map(({ whole, shown, kept }) => {
    const segments = [...whole.segments, ...(shown?.segments ?? [])]
    return { lists: new Set(segments.map(({ charts }) => charts)), kept }
  })
}

/**
 * The merged index as the members have become since `before`, sharing the segments in which nothing changed; `undefined`
 * where too much did.
 */
export async function updateMerged(
  index: RenderedIndex,
  before: MergeTrace,
  members: readonly IndexMember[],
  pause: Pause,
): Promise<RenderedIndex | undefined> {
  const touched = namesTouched(before, traceOf(members))
  if (touched.size > MOST_CHARTS) return undefined
  const names = await withNamesakes(touched, members, pause)
  const versions: VersionUpdate[] = []
  for (const name of names) {
    versions.push(...difference(index.versionsOf(name), mergedVersionsOf(members, name)))
    await pause()
  }
  return index.update({ ...stateOf(members), versions }, pause)
}

/** All that can be otherwise, and some that is not: the charts of each segment that is not in both. */
function namesTouched(before: MergeTrace, now: MergeTrace): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [place, member] of now.entries()) {
    const earlier = before[place]
    if (earlier === undefined) continue
    for (const { name } of inOne(earlier.lists, member.lists).flat()) names.add(name)
    for (const name of inOne(earlier.kept, member.kept)) names.add(name)
  }
  return names
}

/** What is in one of the two only. */
function inOne<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): readonly T[] {
  return [...[...a].filter((item) => !b.has(item)), ...[...b].filter((item) => !a.has(item))]
}

const VERSION_IN_NAME = /-(?=v?[0-9]+\.[0-9]+\.[0-9])/g

/** Also the charts that may share a file name with one of these. */
async function withNamesakes(
  names: ReadonlySet<string>,
  members: readonly IndexMember[],
  pause: Pause,
): Promise<ReadonlySet<string>> {
  const all = new Set(names)
  for (const name of names) {
    for (const { index } of name.matchAll(VERSION_IN_NAME)) all.add(name.slice(0, index))
    for (const longer of members.flatMap(({ whole }) => whole.namesBeginningWith(`${name}-`))) {
      if (longer.slice(name.length).search(VERSION_IN_NAME) === 0) all.add(longer)
    }
    await pause()
  }
  return all
}

function difference(before: readonly Entry[], now: readonly Entry[]): readonly VersionUpdate[] {
  const known = new Map(before.map((entry) => [entry.sortKey, entry]))
  const wanted = new Set(now.map(({ sortKey }) => sortKey))
  const gone = before.filter(({ sortKey }) => !wanted.has(sortKey))
  const changed = now.filter((entry) => !isSame(known.get(entry.sortKey), entry))
  return [
    ...gone.map(({ name, sortKey }) => ({ name, sortKey, fragment: undefined })),
    ...changed.map(({ name, sortKey, text }) => ({ name, sortKey, fragment: text.toString() })),
  ]
}

function isSame(known: Entry | undefined, entry: Entry): boolean {
  return known?.length === entry.length && bytesOf(known).equals(bytesOf(entry))
}

function bytesOf({ text }: Entry): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text
}
