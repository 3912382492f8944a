import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What has to be undone however the run ends: servers stopped, folders removed. The last one first. */
const undone: (() => void)[] = []

export function undoAtExit(undo: () => void): void {
  undone.unshift(undo)
}

/** A folder for this run, where the disk is as fast as temporary files are. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chartroom-bench-'))
  undoAtExit(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** To be called once: an interrupted run leaves nothing behind either. */
export function cleanUpAtExit(): void {
  process.once('exit', () => {
    for (const undo of undone) undo()
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
}
