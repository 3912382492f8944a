import { constants } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { chartInvalid } from '../chart/invalid.ts'
import { type ChartFile } from '../chart/write-archive.ts'
import { AppError, isSystemError } from '../errors.ts'
import { quoted } from '../text.ts'
import { HelmIgnore, type PathKind } from './helm-ignore.ts'

const IGNORE_FILE = '.helmignore'

/** Helm's limits for a file and a chart, and ours for the members: what is larger is refused before it is in memory. */
const LARGEST_FILE = 5 * 1024 * 1024
const LARGEST_CHART = 100 * 1024 * 1024
const MOST_FILES = 10_000

/**
 * The files that Helm would package of the directory, their bytes as they are. Links are followed as Helm does, but not
 * out of the directory: a pipeline that publishes what others have written must not publish its own secrets with it.
 * Throws `chart-invalid`.
 */
export async function readChartDirectory(directory: string): Promise<readonly ChartFile[]> {
  const root = await realpath(directory)
  const reader = new DirectoryReader(root, HelmIgnore.parse(await readIgnoreFile(root)))
  await reader.readDirectory(root, '', [root])
  return reader.files
}

class DirectoryReader {
  readonly files: ChartFile[] = []
  readonly #root: string
  readonly #ignore: HelmIgnore
  #bytes = 0

  constructor(root: string, ignore: HelmIgnore) {
    this.#root = root
    this.#ignore = ignore
  }

  /** `place` is the real path of what the chart has at `path`; `above` are the directories on the way to it. */
  async readDirectory(place: string, path: string, above: readonly string[]): Promise<void> {
    const names = await readdir(place).catch((error: unknown) => {
      throw chartInvalid(`the directory ${quoted(path)} cannot be read`, error)
    })
    for (const name of names) {
      await this.#readEntry(join(place, name), path === '' ? name : `${path}/${name}`, above)
    }
  }

  async #readEntry(entry: string, path: string, above: readonly string[]): Promise<void> {
    const kind = await this.#kindOf(entry)
    if (this.#ignore.ignores(path, kind)) return
    const place = await resolveWithin(this.#root, entry, path)
    if (kind === 'file') {
      await this.#readFile(place, path)
      return
    }
    if (above.includes(place)) throw chartInvalid(`the link ${quoted(path)} leads back to where it is`)
    await this.readDirectory(place, path, [...above, place])
  }

  /** A link that leads nowhere counts as a file, so that it can be ignored as in Helm 4. */
  async #kindOf(entry: string): Promise<PathKind> {
    const stats = await stat(entry).catch(() => undefined)
    return stats?.isDirectory() === true ? 'directory' : 'file'
  }

  async #readFile(place: string, path: string): Promise<void> {
    const content = await readRegularFile(place, path)
    this.#bytes += content.length
    if (this.#bytes >= LARGEST_CHART) throw chartInvalid('the chart has 100 MiB or more')
    if (this.files.length === MOST_FILES) throw chartInvalid(`the chart has more than ${MOST_FILES} files`)
    this.files.push({ path, content })
  }
}

/** Asks the open file, not the path: nobody can exchange it in between. A named pipe would block the opening. */
async function readRegularFile(place: string, path: string): Promise<Buffer> {
  const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw chartInvalid(`${quoted(path)} cannot be read`, error)
    },
  )
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw chartInvalid(`${quoted(path)} is neither a file nor a directory`)
    if (stats.size > LARGEST_FILE) throw chartInvalid(`${quoted(path)} is larger than ${LARGEST_FILE} bytes`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** The real path, when it is the root or below it. */
async function resolveWithin(root: string, entry: string, path: string): Promise<string> {
  const place = await realpath(entry).catch((error: unknown) => {
    throw chartInvalid(`${quoted(path)} cannot be read, or is a link that leads nowhere`, error)
  })
  if (place === root || place.startsWith(`${root}${sep}`)) return place
  throw chartInvalid(
    `the link ${quoted(path)} leads out of the chart; copy what it leads to, or name it in ${IGNORE_FILE}`,
  )
}

/** Empty where there is none. */
async function readIgnoreFile(root: string): Promise<string> {
  try {
    const place = await resolveWithin(root, join(root, IGNORE_FILE), IGNORE_FILE)
    return (await readRegularFile(place, IGNORE_FILE)).toString('utf8')
  } catch (error) {
    if (error instanceof AppError && isSystemError(error.cause, 'ENOENT')) return ''
    throw error
  }
}
