import { type LoadOptions } from '../load/load.ts'
import { type PeerName } from '../servers/server.ts'
import { type ServingName } from './names.ts'

export interface ServingWork extends Pick<LoadOptions, 'connections' | 'parallel'> {
  readonly id: ServingName
  readonly title: string
  readonly what: What
  /** With the ETag of a first answer, so that nothing but the head comes back. */
  readonly conditional?: true
  readonly targets: Readonly<Partial<Record<PeerName, number>>>
}

/** An archive of about so many bytes, or the index of about so many. */
export type What = { readonly archive: ArchiveSize } | { readonly index: IndexSize }

export const ARCHIVE_BYTES = {
  '1k': 1_000,
  '30k': 30_000,
  '300k': 300_000,
  '1m': 1_000_000,
  '10m': 10_000_000,
} as const
export type ArchiveSize = keyof typeof ARCHIVE_BYTES

/** How many versions make an index of that size. */
export const INDEX_VERSIONS = { '300k': 250, '10m': 8_400 } as const
export type IndexSize = keyof typeof INDEX_VERSIONS

const HANDSHAKE = { nginx: 0.7, 'nginx-s': 1.6, chartmuseum: 0.9 }
const SMALL = { nginx: 1.1, 'nginx-s': 1.6, chartmuseum: 0.7 }
const BULK = { nginx: 0.38, 'nginx-s': 0.6, chartmuseum: 0.4 }

const fresh = { connections: 'new', parallel: 8 } as const
const kept = { connections: 'keep-alive', parallel: 32 } as const
const few = { connections: 'keep-alive', parallel: 4 } as const

export const SERVING_WORKS: readonly ServingWork[] = [
  { id: 'new-1k', title: 'new connection + 1 KB', what: { archive: '1k' }, targets: HANDSHAKE, ...fresh },
  {
    id: 'new-304',
    title: 'new connection + 304',
    what: { archive: '1k' },
    conditional: true,
    targets: HANDSHAKE,
    ...fresh,
  },
  {
    id: 'new-index-300k',
    title: 'new connection + 300 KB index',
    what: { index: '300k' },
    targets: { nginx: 0.55, 'nginx-s': 1.3, chartmuseum: 0.6 },
    ...fresh,
  },
  {
    id: 'new-index-10m',
    title: 'new connection + 10 MB index',
    what: { index: '10m' },
    targets: { nginx: 0.33, 'nginx-s': 0.55, chartmuseum: 0.4 },
    connections: 'new',
    parallel: 4,
  },
  { id: 'keep-1k', title: 'keep-alive 1 KB', what: { archive: '1k' }, targets: SMALL, ...kept },
  {
    id: 'keep-304',
    title: 'keep-alive 304',
    what: { archive: '1k' },
    conditional: true,
    targets: SMALL,
    ...kept,
  },
  {
    id: 'keep-30k',
    title: 'keep-alive 30 KB',
    what: { archive: '30k' },
    targets: { nginx: 0.75, 'nginx-s': 1.2, chartmuseum: 0.6 },
    ...kept,
  },
  { id: 'keep-300k', title: 'keep-alive 300 KB', what: { archive: '300k' }, targets: BULK, ...kept },
  { id: 'keep-1m', title: 'keep-alive 1 MB', what: { archive: '1m' }, targets: BULK, ...few },
  { id: 'keep-10m', title: 'keep-alive 10 MB', what: { archive: '10m' }, targets: BULK, ...few },
]
