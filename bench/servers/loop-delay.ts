import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isSystemError } from '../../src/errors.ts'

/** For Chartroom's node: measures inside the process how long its event loop is blocked. */
export const LOOP_DELAY_OPTIONS = ['--import', join(import.meta.dirname, 'loop-delay-preload.ts')] as const

export function loopDelayEnvironment(file: string): Readonly<Record<string, string>> {
  return { BENCH_LOOP_DELAY_FILE: file }
}

const POLL_MS = 5

/** The longest block, in milliseconds, since it was asked for last. */
export async function longestBlock(pid: number, file: string): Promise<number> {
  await rm(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (;;) {
    const text = await readIfThere(file)
    if (text !== '') return Number(text)
    await setTimeout(POLL_MS)
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return ''
    throw error
  }
}
