import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { findOciChart, type OciChart, openOciBlob } from './oci/chart.ts'
import { ociReference } from './oci/reference.ts'
import { type Registry } from './oci/registry.ts'
import { ownOrigin, type Upstream } from './upstream.ts'
import { type UpstreamClient } from './upstream-client.ts'
import { type UpstreamEntry } from './upstream-entry.ts'
import { upstreamInvalid } from './upstream-error.ts'

type Place = Pick<UpstreamEntry, 'urls' | 'digest'>

/** An upstream's archives and provenance files, wherever its index says they are: over HTTP or in a registry. */
export interface UpstreamPackages {
  /**
   * `undefined` where it is not there. The bytes begin as gzip does; whether they have the index's digest is for whoever
   * stores them. Errors, also the stream's, are those of `UpstreamClient.get`.
   */
  readonly openArchive: (entry: Place, limits: PackageLimits) => Promise<Readable | undefined>
  /** `undefined` where there is none; a page that a server shows instead is none. */
  readonly readProvenance: (entry: Place, signal?: AbortSignal) => Promise<Buffer | undefined>
}

export interface PackageLimits {
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

export interface UpstreamPackagesDeps {
  readonly client: UpstreamClient
  readonly registry: Registry
}

export function createUpstreamPackages(
  upstream: Upstream,
  { client, registry }: UpstreamPackagesDeps,
): UpstreamPackages {
  const findChart = async (url: URL, entry: Place, signal: AbortSignal | undefined) => {
    const chart = await findOciChart(registry, ociReference(url.href, ownOrigin(upstream)), signal)
    requireDigest(chart, entry, url)
    return chart
  }
  return {
    openArchive: async (entry, limits) => {
      const url = firstUrl(entry)
      if (url.protocol !== 'oci:') {
        const reply = await client.get(url, limits)
        return reply.kind === 'body' ? gzipOnly(reply.stream, url.host) : undefined
      }
      const chart = await findChart(url, entry, limits.signal)
      const blob = chart && (await openOciBlob(registry, chart.place, chart.archive, limits))
      return blob && gzipOnly(blob, url.host)
    },
    readProvenance: async (entry, signal) => {
      const url = firstUrl(entry)
      const limits = { maxBytes: MOST_PROVENANCE_BYTES, signal }
      if (url.protocol !== 'oci:') return readBeside(client, url, limits)
      const chart = await findChart(url, entry, signal)
      if (chart?.provenance === undefined) return undefined
      const blob = await openOciBlob(registry, chart.place, chart.provenance, limits)
      return blob && buffer(blob)
    },
  }
}

async function readBeside(
  client: UpstreamClient,
  archive: URL,
  limits: PackageLimits,
): Promise<Buffer | undefined> {
  const url = new URL(archive)
  url.pathname += PROVENANCE_SUFFIX
  const reply = await client.get(url, limits)
  if (reply.kind !== 'body') return undefined
  const bytes = await buffer(reply.stream)
  return /^\s*</.test(bytes.toString('latin1', 0, 64)) ? undefined : bytes
}

function firstUrl({ urls: [first = ''] }: Place): URL {
  if (!URL.canParse(first)) throw upstreamInvalid('the index names no URL for it')
  return new URL(first)
}

/** The tag may mean another chart by now. */
function requireDigest(chart: OciChart | undefined, { digest }: Place, { host }: URL): void {
  if (chart === undefined || digest === undefined || chart.archive.digest === digest) return
  // Classic indexes with oci:// URLs give the manifest's digest, as Bitnami's does.
  if (chart.manifestDigest === digest) return
  throw upstreamInvalid(`${host}: the tag means an archive of another digest than the index says`)
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b])

/** Servers answer with a page, and say 200, where a file is missing. */
function gzipOnly(stream: Readable, host: string): Readable {
  const checked = Readable.from(checkStart(stream, host), { objectMode: false })
  checked.once('close', () => stream.destroy())
  return checked
}

async function* checkStart(stream: Readable, host: string): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (start === undefined) {
      yield chunk
      continue
    }
    start = Buffer.concat([start, chunk])
    if (start.length < GZIP_MAGIC.length) continue
    requireGzip(start, host)
    yield start
    start = undefined
  }
  if (start !== undefined) requireGzip(start, host)
}

function requireGzip(start: Buffer, host: string): void {
  if (start.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return
  throw upstreamInvalid(`${host} sends something else where an archive is expected`)
}
