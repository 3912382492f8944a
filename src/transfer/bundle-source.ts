import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { type Extract, extract } from 'tar-stream'
import { parseDigest } from '../chart/digest.ts'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { type ImportPackage } from '../repository/import-package.ts'
import {
  type BundledVersion,
  MANIFEST_PATH,
  MOST_MANIFEST_BYTES,
  parseManifest,
  repositoryBelow,
} from './bundle.ts'
import { type PackageSource } from './package-source.ts'

/** Ours goes in front of the publishers' file, which may have the whole size that is allowed. */
const MOST_BUNDLED_PROVENANCE_BYTES = 2 * MOST_PROVENANCE_BYTES

/** tar-stream exports no name for it. */
type Entry = Extract extends AsyncIterable<infer Member> ? Member : never

interface Expected extends BundledVersion {
  readonly repository: RepositoryName
}

/** An exported bundle, read once from beginning to end. Throws `request-invalid` where the file is none. */
export async function openBundleSource(file: string, repository: RepositoryName): Promise<PackageSource> {
  const entries = readTar(file)
  try {
    const expected = await readExpected(entries, file, repository)
    return { total: expected.size, notes: [], packages: () => packagesIn(entries, expected, file) }
  } catch (error) {
    await entries.return(undefined)
    throw error
  }
}

async function readExpected(
  entries: AsyncGenerator<Entry>,
  file: string,
  repository: RepositoryName,
): Promise<Map<string, Expected>> {
  const first = await entries.next()
  if (first.done === true || first.value.header.name !== MANIFEST_PATH) {
    throw new AppError('request-invalid', `${file} is no bundle of "chartroom export"`)
  }
  const { repositories } = parseManifest((await readEntry(first.value, MOST_MANIFEST_BYTES)).toString())
  const expected = new Map<string, Expected>()
  for (const { name, versions } of repositories) {
    const target = repositoryBelow(repository, name)
    for (const version of versions) expected.set(version.path, { ...version, repository: target })
  }
  return expected
}

async function* packagesIn(
  entries: AsyncGenerator<Entry>,
  expected: Map<string, Expected>,
  file: string,
): AsyncGenerator<ImportPackage> {
  const provenances = new Map<string, Buffer>()
  for await (const entry of entries) {
    const { name } = entry.header
    const path = name.endsWith(PROVENANCE_SUFFIX) ? name.slice(0, -PROVENANCE_SUFFIX.length) : name
    const version = expected.get(path)
    if (version === undefined) {
      entry.resume()
    } else if (name !== path) {
      provenances.set(path, await readEntry(entry, MOST_BUNDLED_PROVENANCE_BYTES))
    } else {
      expected.delete(path)
      const closed = Promise.withResolvers<undefined>()
      yield packageOf(entry, { version, file, provenance: provenances.get(path), onClose: closed.resolve })
      provenances.delete(path)
      // The tar goes on only where this archive ends.
      await closed.promise
      entry.resume()
    }
  }
  if (expected.size === 0) return
  throw new AppError('request-invalid', `${file} ends before ${expected.size} of its versions`)
}

interface Found {
  readonly version: Expected
  readonly file: string
  readonly provenance: Buffer | undefined
  readonly onClose: (value: undefined) => void
}

function packageOf(entry: Entry, { version, file, provenance, onClose }: Found): ImportPackage {
  return {
    source: `${file}: ${version.path}`,
    repository: version.repository,
    filename: basename(version.path),
    createdAt: new Date(version.createdAt),
    digest: parseDigest(version.digest),
    provenanceOrigin: version.provenance,
    readProvenance: async () => Promise.resolve(provenance),
    open: async () => Promise.resolve(readableOf(entry)),
    close: () => {
      onClose(undefined)
    },
  }
}

/** Who stops reading it before its end stops nothing else: to destroy an entry would be to destroy the tar. */
function readableOf(entry: Entry): Readable {
  const through = new PassThrough()
  // streamx types as unknown what it emits.
  entry.on('data', (chunk: unknown) => {
    if (!through.destroyed && !through.write(chunk)) entry.pause()
  })
  entry.on('end', () => through.end())
  entry.on('error', (error: Error) => through.destroy(error))
  through.on('drain', () => {
    entry.resume()
  })
  through.on('close', () => {
    entry.resume()
  })
  return through
}

async function readEntry(entry: Entry, maxBytes: number): Promise<Buffer> {
  if (entry.header.size > maxBytes) {
    throw new AppError('too-large', `the bundle's ${entry.header.name} is larger than ${maxBytes} bytes`)
  }
  const chunks: Buffer[] = []
  // streamx types as unknown what it yields.
  for await (const chunk of entry as AsyncIterable<unknown> as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* readTar(file: string): AsyncGenerator<Entry> {
  const source = createReadStream(file)
  const tar = extract()
  const feeding = pipeline(source, tar)
  try {
    yield* tar as AsyncIterable<Entry>
    await feeding
  } catch (error) {
    source.destroy()
    await feeding.catch(() => undefined)
    if (error instanceof AppError) throw error
    throw new AppError('request-invalid', `${file} cannot be read as a bundle`, { cause: error })
  } finally {
    source.destroy()
    await finished(source).catch(() => undefined)
    await feeding.catch(() => undefined)
  }
}
