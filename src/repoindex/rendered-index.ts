import { jsonForYaml } from './entry.ts'
import { renderSegment, segmentsOf, type RenderedChart, type Segment } from './segment.ts'

/** Raised whenever the same catalog would render to other bytes. */
const RENDERER_VERSION = 1

/** A repository's charts at one revision, each with its versions' fragments from the newest to the oldest. */
export interface IndexSource {
  readonly revision: number
  readonly changedAt: Date
  /** In order of name. A chart without fragments is not in the index. */
  readonly charts: readonly { readonly name: string; readonly fragments: readonly string[] }[]
}

/**
 * A repository's `index.yaml` at one revision: JSON, as an immutable rope of segments, which are also the slices it is
 * sent in. The next revision shares every segment in which nothing changed, so a publish costs the one segment of its
 * chart, and a slow reader of an old revision holds on to little more than that.
 */
export class RenderedIndex {
  readonly revision: number
  /** For an ETag, which has to change whenever the same catalog is rendered to other bytes. */
  readonly rendering: string
  readonly segments: readonly Segment[]
  readonly #head: IndexHead

  private constructor(revision: number, head: IndexHead, segments: readonly Segment[]) {
    this.revision = revision
    this.rendering = `${RENDERER_VERSION}${head.contextPath}`
    this.segments = segments
    this.#head = head
  }

  /** `contextPath` is where the server's paths begin: `''`, or `/charts`. */
  static render({ revision, changedAt, charts }: IndexSource, contextPath = ''): RenderedIndex {
    return new RenderedIndex(revision, { changedAt, contextPath }, segmentsOf(charts.flatMap(renderChart)))
  }

  /** The index at a later revision; `changes` holds the charts touched since, with all the versions they have now. */
  update(changes: IndexSource): RenderedIndex {
    const untouched: Segment[] = this.segments.length > 0 ? [...this.segments] : [renderSegment([])]
    const changesOf = new Map<Segment, IndexSource['charts'][number][]>()
    for (const chart of changes.charts) {
      const home = homeOf(untouched, chart.name)
      changesOf.set(home, [...(changesOf.get(home) ?? []), chart])
    }
    const segments = untouched.flatMap((segment) => applyTo(segment, changesOf.get(segment) ?? []))
    return new RenderedIndex(changes.revision, { ...this.#head, changedAt: changes.changedAt }, segments)
  }

  /** The index that someone sees who may read only the charts that `covers` matches. */
  restrictedTo(covers: (name: string) => boolean): RenderedIndex {
    const segments = this.segments.flatMap((segment) => {
      const visible = segment.charts.filter(({ name }) => covers(name))
      return visible.length === segment.charts.length ? [segment] : segmentsOf(visible)
    })
    return new RenderedIndex(this.revision, this.#head, segments)
  }

  /** The charts' names, in order. */
  get names(): readonly string[] {
    return this.segments.flatMap(({ charts }) => charts.map(({ name }) => name))
  }

  /** The bytes of `index.yaml`, in order. */
  toBuffers(): readonly Buffer[] {
    return [Buffer.from(renderHead(this.#head)), ...this.#entries(), TAIL]
  }

  /** The bytes of a JSON object from chart names to lists of versions: what is under `entries`. */
  entriesToBuffers(): readonly Buffer[] {
    return [Buffer.from('{'), ...this.#entries(), Buffer.from('}\n')]
  }

  #entries(): readonly Buffer[] {
    return this.segments.map(({ bytes }, place) => (place === 0 ? bytes.subarray(1) : bytes))
  }
}

interface IndexHead {
  readonly changedAt: Date
  readonly contextPath: string
}

/** `serverInfo.contextPath` is where `helm cm-push` learns the path to prepend (helm-push, pkg/helm/index.go). */
function renderHead({ changedAt, contextPath }: IndexHead): string {
  const head = { apiVersion: 'v1', generated: changedAt.toISOString(), serverInfo: { contextPath } }
  return `${jsonForYaml(head).slice(0, -1)},"entries":{`
}

const TAIL = Buffer.from('}}\n')

function renderChart(chart: IndexSource['charts'][number]): readonly RenderedChart[] {
  if (chart.fragments.length === 0) return []
  return [
    { name: chart.name, text: Buffer.from(`${jsonForYaml(chart.name)}:[${chart.fragments.join(',')}]`) },
  ]
}

/** The last segment that begins at or before the name: by bisection, as there may be hundreds. */
function homeOf(segments: readonly Segment[], name: string): Segment {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (firstNameOf(segments[middle]) <= name) low = middle
    else high = middle - 1
  }
  return segments[low] ?? renderSegment([])
}

function firstNameOf(segment: Segment | undefined): string {
  return segment?.charts[0]?.name ?? ''
}

function applyTo(segment: Segment, changes: IndexSource['charts']): readonly Segment[] {
  if (changes.length === 0) return segment.charts.length === 0 ? [] : [segment]
  const changed = new Set(changes.map(({ name }) => name))
  const charts = [...segment.charts.filter(({ name }) => !changed.has(name)), ...changes.flatMap(renderChart)]
  return segmentsOf(charts.sort((a, b) => (a.name < b.name ? -1 : 1)))
}
