import { watch, type FSWatcher } from 'node:fs'
import { dirname } from 'node:path'

/** Long enough for a certificate and its key to be replaced one after the other. */
const SETTLE_MS = 200

/**
 * Calls back some moments after anything changed in the folders of the files. Folders, not files, are watched: an
 * atomic replacement gives a file another inode, and Kubernetes swaps a `..data` link beside them.
 */
export class FileWatch {
  readonly #changed: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #settling: NodeJS.Timeout | undefined

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Watches the folders of exactly these files. One that cannot be watched is left to SIGHUP. */
  watch(files: readonly string[]): void {
    const folders = new Set(files.map((file) => dirname(file)))
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watchFolder(folder)
  }

  close(): Promise<void> {
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
    return Promise.resolve()
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#settle()
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

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(this.#changed, SETTLE_MS)
    this.#settling.unref()
  }
}
