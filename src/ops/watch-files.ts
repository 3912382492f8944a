import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Long enough for a certificate and its key to be replaced one after the other. */
const SETTLE_MS = 200

/**
 * Calls back some moments after one of the files changed. Folders, not files, are watched: an atomic replacement gives
 * a file another inode, and Kubernetes swaps a `..data` link beside them. What else changes in the folders (a log may
 * be written there) is nobody's business.
 */
export class FileWatch {
  readonly #changed: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #names = new Map<string, ReadonlySet<string>>()
  #settling: NodeJS.Timeout | undefined

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Watches exactly these files. One whose folder cannot be watched is left to SIGHUP. */
  watch(files: readonly string[]): void {
    const byFolder = Map.groupBy(files, (file) => dirname(file))
    this.#names = new Map(
      [...byFolder].map(([folder, members]) => [folder, new Set(members.map((file) => basename(file)))]),
    )
    for (const [folder, watcher] of this.#watchers) {
      if (this.#names.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of this.#names.keys()) if (!this.#watchers.has(folder)) this.#watchFolder(folder)
  }

  close(): Promise<void> {
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
    return Promise.resolve()
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (this.#concerns(folder, name)) this.#settle()
      })
      // A folder that is removed ends its watch; it is taken up again with the next reload.
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(folder)
      })
      this.#watchers.set(folder, watcher)
    } catch {
      // Not there (yet), or too many watches: a reload by SIGHUP still works, and tries to watch again.
    }
  }

  /** Some platforms do not say which name changed. */
  #concerns(folder: string, name: string | null): boolean {
    return name === null || name.startsWith(KUBERNETES_LINK) || this.#names.get(folder)?.has(name) === true
  }

  /** Counted from the first change: a file that is written all the time puts nothing off. */
  #settle(): void {
    if (this.#settling !== undefined) return
    this.#settling = setTimeout(() => {
      this.#settling = undefined
      this.#changed()
    }, SETTLE_MS)
    this.#settling.unref()
  }
}

/** `..data` and the folders that it leads to. */
const KUBERNETES_LINK = '..'
