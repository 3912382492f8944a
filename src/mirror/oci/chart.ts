import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Digest, parseDigest } from '../../chart/digest.ts'
import { upstreamInvalid } from '../upstream-error.ts'
import { type OciReference } from './reference.ts'
import { type Registry } from './registry.ts'

/** A chart in a registry, as Helm pushes it (helm.sh, "Use OCI-based registries"). */
export interface OciChart {
  readonly place: OciReference
  readonly manifestDigest: Digest
  /** Of the archive. */
  readonly archive: OciBlob
  readonly provenance: OciBlob | undefined
  /** `Chart.yaml` as JSON. */
  readonly config: OciBlob
  /** `org.opencontainers.image.created` */
  readonly created: string | undefined
}

export interface OciBlob {
  readonly digest: Digest
}

const MANIFEST_TYPES =
  'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
const CONFIG_TYPE = 'application/vnd.cncf.helm.config.v1+json'
/** The second one is what Helm before 3.7 pushed. */
const ARCHIVE_TYPES = ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip']
const PROVENANCE_TYPES = ['application/vnd.cncf.helm.chart.provenance.v1.prov']
/** The specification asks registries to take as much. */
const MOST_MANIFEST_BYTES = 4 * 1024 * 1024

/** `undefined` where there is no such tag. Throws `upstream-invalid` for what is no chart, besides the registry's errors. */
export async function findOciChart(
  registry: Registry,
  place: OciReference,
  signal?: AbortSignal,
): Promise<OciChart | undefined> {
  const answer = await registry.read(place, `manifests/${place.reference}`, {
    accept: MANIFEST_TYPES,
    maxBytes: MOST_MANIFEST_BYTES,
    signal,
  })
  if (answer === undefined) return undefined
  const bytes = await buffer(answer.body)
  const manifestDigest = digestOf(bytes)
  const declared = [answer.headers['docker-content-digest'], place.reference].filter((text) =>
    String(text).startsWith('sha256:'),
  )
  if (declared.some((digest) => digest !== `sha256:${manifestDigest}`))
    throw upstreamInvalid(`${hostOf(place)}: the manifest has another digest than it is said to have`)
  return { place, manifestDigest, ...readManifest(parseManifest(bytes, place), place) }
}

/** The blob's bytes, which end in an error where they are not those of its digest. */
export async function openOciBlob(
  registry: Registry,
  place: OciReference,
  { digest }: OciBlob,
  limits: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Readable | undefined> {
  const answer = await registry.read(place, `blobs/sha256:${digest}`, limits)
  if (answer === undefined) return undefined
  const checked = Readable.from(check(answer.body, digest, hostOf(place)), { objectMode: false })
  checked.once('close', () => answer.body.destroy())
  return checked
}

async function* check(body: Readable, digest: Digest, host: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== digest) throw upstreamInvalid(`${host}: a blob has another digest than its name`)
}

function digestOf(bytes: Buffer): Digest {
  return parseDigest(createHash('sha256').update(bytes).digest('hex'))
}

interface Descriptor {
  readonly mediaType?: unknown
  readonly digest?: unknown
}

interface Manifest {
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, unknown>>
}

function parseManifest(bytes: Buffer, place: OciReference): Manifest {
  try {
    const manifest: unknown = JSON.parse(bytes.toString())
    if (typeof manifest === 'object' && manifest !== null) return manifest
  } catch (error) {
    throw upstreamInvalid(`${hostOf(place)}: the manifest is no JSON`, error)
  }
  throw upstreamInvalid(`${hostOf(place)}: the manifest is no object`)
}

function readManifest(
  { config, layers, annotations }: Manifest,
  place: OciReference,
): Omit<OciChart, 'place' | 'manifestDigest'> {
  const archive = findBlob(layers, ARCHIVE_TYPES)
  const configBlob = findBlob([config], [CONFIG_TYPE])
  const created = annotations?.['org.opencontainers.image.created']
  if (archive === undefined || configBlob === undefined)
    throw upstreamInvalid(`${hostOf(place)}: ${place.path} holds no Helm chart`)
  return {
    archive,
    config: configBlob,
    provenance: findBlob(layers, PROVENANCE_TYPES),
    created: typeof created === 'string' ? created : undefined,
  }
}

function findBlob(descriptors: unknown, types: readonly string[]): OciBlob | undefined {
  const list: readonly unknown[] = Array.isArray(descriptors) ? descriptors : []
  for (const item of list) {
    const { mediaType, digest } = (item ?? {}) as Descriptor
    const hex = /^sha256:([0-9a-f]{64})$/.exec(String(digest))?.[1]
    if (types.includes(String(mediaType)) && hex !== undefined) return { digest: parseDigest(hex) }
  }
  return undefined
}

function hostOf({ origin }: OciReference): string {
  return new URL(origin).host
}
