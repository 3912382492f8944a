import { createFetcher, type FetchDeps, type Fetcher } from '../mirror/fetch-offer.ts'
import { PullThrough, type PullThroughDeps } from '../mirror/pull-through.ts'
import { type Closers } from '../ops/close.ts'
import { readKeyring } from './signing-keys.ts'

type OpenPullThroughDeps = Omit<FetchDeps, 'readKeyring'> & Omit<PullThroughDeps, 'fetcher'>

/** What fetches in this process: for whoever asks, and for a sync. */
export function openPullThrough(
  deps: OpenPullThroughDeps,
  closers: Closers,
): { readonly offered: PullThrough; readonly fetcher: Fetcher } {
  const fetcher = openFetcher(deps)
  return { offered: closers.add(new PullThrough({ ...deps, fetcher })), fetcher }
}

/** Reads an upstream's keyring anew each time: it is small, and may have changed. */
export function openFetcher(deps: Omit<FetchDeps, 'readKeyring'>): Fetcher {
  return createFetcher({ ...deps, readKeyring: (file) => readKeyring(file, 'required') })
}
