import { posix } from 'node:path'
import { type Readable } from 'node:stream'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { type ImportPackage } from '../repository/import-package.ts'
import { quoted } from '../text.ts'
import { type Downloader } from './downloader.ts'
import { type PackageSource } from './package-source.ts'
import { MOST_INDEX_BYTES, parseSourceIndex, type SourceEntry } from './source-index.ts'

/** Every version in the index of a classic repository. Throws `unavailable`, `request-invalid`, `too-large`. */
export async function openRemoteSource(
  url: URL,
  repository: RepositoryName,
  downloader: Downloader,
): Promise<PackageSource> {
  const base = new URL(`${url.href.replace(/\/*$/, '')}/`)
  const index = await downloader.read(new URL('index.yaml', base), MOST_INDEX_BYTES)
  if (index === undefined) throw new AppError('request-invalid', `${quoted(url.href)} has no index.yaml`)
  const entries = parseSourceIndex(index.toString())
  return {
    total: entries.length,
    notes: [],
    packages: async function* () {
      for (const entry of entries)
        yield await Promise.resolve(packageOf(entry, { base, repository, downloader }))
    },
  }
}

interface Place {
  readonly base: URL
  readonly repository: RepositoryName
  readonly downloader: Downloader
}

/** Of several URLs the first one counts, as in Helm; it may be relative to the index. */
function packageOf(entry: SourceEntry, { base, repository, downloader }: Place): ImportPackage {
  const { name, version, createdAt, digest } = entry
  const [text = ''] = entry.urls
  const about = {
    repository,
    close: () => undefined,
    ...(createdAt && { createdAt }),
    ...(digest && { digest }),
  }
  if (text === '' || !URL.canParse(text, base.href)) {
    const refuse = async () =>
      Promise.reject(new AppError('request-invalid', 'the index names no URL for it'))
    return { ...about, source: `${name} ${version}`, filename: '', readProvenance: refuse, open: refuse }
  }
  const url = new URL(text, base)
  const provenance = new URL(url)
  provenance.pathname += PROVENANCE_SUFFIX
  return {
    ...about,
    source: `${url.origin}${url.pathname}`,
    filename: decodeURIComponentOrAsIs(posix.basename(url.pathname)),
    readProvenance: async () => downloader.read(provenance, MOST_PROVENANCE_BYTES),
    open: async () => openOrThrow(downloader, url),
  }
}

async function openOrThrow(downloader: Downloader, url: URL): Promise<Readable> {
  const stream = await downloader.open(url)
  if (stream !== undefined) return stream
  throw new AppError('request-invalid', 'the index names it, but it is not there')
}

/** `%2B` is the `+` of build metadata. */
function decodeURIComponentOrAsIs(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No file of ours has such a name: it will be looked at as it is.
    return text
  }
}
