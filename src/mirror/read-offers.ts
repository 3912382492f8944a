import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { type IndexValidators } from '../catalog/offers.ts'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type IndexBatch, type IndexSummary } from './index-entries.ts'
import { type MirrorUpstream } from './mirror.ts'
import { readOciIndex } from './oci/read-oci-index.ts'
import { ociRepository } from './oci/reference.ts'
import { readUpstreamIndex } from './read-index.ts'
import { ownOrigin } from './upstream.ts'
import { type UpstreamEntry } from './upstream-entry.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface OfferReading {
  /** Of the last reading; `undefined`: it is read whatever it is. */
  readonly validators: Omit<IndexValidators, 'settings'> | undefined
  /** Of a registry: what need not be asked for again. */
  readonly known: (name: ChartName, version: ChartVersion) => UpstreamEntry | undefined
  readonly signal?: AbortSignal | undefined
}

export type OffersRead =
  | { readonly kind: 'unchanged'; readonly validators?: Omit<IndexValidators, 'settings'> }
  | {
      readonly kind: 'read'
      readonly summary: IndexSummary
      readonly validators: Omit<IndexValidators, 'settings'>
    }

type OnBatch = (batch: IndexBatch) => Promise<void> | void

/** An upstream's index, whatever kind of upstream it is. Errors as of `readUpstreamIndex`, and of `UpstreamClient.get`. */
export async function readOffers(
  upstream: MirrorUpstream,
  reading: OfferReading,
  onBatch: OnBatch,
): Promise<OffersRead> {
  if (upstream.upstream.url.protocol === 'oci:') return readRegistry(upstream, reading, onBatch)
  const { settings, client } = upstream
  const { validators, signal } = reading
  const url = new URL(upstream.upstream.url)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/index.yaml`
  const { etag, lastModified } = validators ?? {}
  const maxBytes = settings.maxIndexBytes
  const reply = await client.get(url, { maxBytes, etag, lastModified, signal })
  if (reply.kind === 'not-modified') return { kind: 'unchanged' }
  if (reply.kind === 'absent') throw upstreamInvalid(`there is no ${url.pathname} on ${url.host}`)
  const hashed = unlessSame(reply.stream, validators?.digest)
  const found = () => ({ etag: reply.etag, lastModified: reply.lastModified, digest: hashed.digest() })
  try {
    const limits = { url: reply.finalUrl, filters: settings, maxBytes, signal }
    const summary = await readUpstreamIndex(hashed.stream, limits, onBatch)
    return { kind: 'read', summary, validators: found() }
  } catch (error) {
    if (error instanceof SameIndex) return { kind: 'unchanged', validators: found() }
    throw error
  }
}

class SameIndex extends Error {}

/** Fails at its end where these are the bytes of the last time, before anybody has made anything of them. */
function unlessSame(
  body: Readable,
  known: Digest | undefined,
): { readonly stream: Readable; readonly digest: () => Digest | undefined } {
  const hash = createHash('sha256')
  const end: { digest?: Digest } = {}
  const stream = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk)
      done(null, chunk)
    },
    flush: (done) => {
      end.digest = parseDigest(hash.digest('hex'))
      done(end.digest === known ? new SameIndex('the same index') : null)
    },
  })
  pipeline(body, stream, () => {
    // Whoever reads the stream sees its error.
  })
  return { stream, digest: () => end.digest }
}

async function readRegistry(
  { upstream, settings, registry }: MirrorUpstream,
  { known, signal }: OfferReading,
  onBatch: OnBatch,
): Promise<OffersRead> {
  const base = upstream.url.href.replace(/\/+$/, '')
  const urls = settings.charts?.map((name) => `${base}/${name}`) ?? [base]
  const repositories = urls.map((url) => ociRepository(new URL(url), ownOrigin(upstream)))
  const summary = await readOciIndex(registry, { repositories, filters: settings, known, signal }, onBatch)
  return {
    kind: 'read',
    summary,
    validators: { etag: undefined, lastModified: undefined, digest: undefined },
  }
}
