import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { isSystemError } from '../../src/errors.ts'

/** What a process and its descendants use, from Linux's /proc: all threads, nginx's workers and Chartroom's. */

export interface Usage {
  /** User and system time, of all processes together. */
  readonly cpuMs: number
  readonly residentBytes: number
  readonly processes: number
}

/** The unit of CPU time in /proc. */
export const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))

/** Positions of `stat`'s fields behind the command's name (proc(5)). */
const UTIME = 11
const STIME = 12
const RSS = 21

export async function usageOf(pid: number): Promise<Usage> {
  const usages = await Promise.all((await processTree(pid)).map(usageOfOne))
  return usages.reduce((sum, usage) => ({
    cpuMs: sum.cpuMs + usage.cpuMs,
    residentBytes: sum.residentBytes + usage.residentBytes,
    processes: sum.processes + usage.processes,
  }))
}

/** CPU time in milliseconds by process. */
export async function cpuOfEach(pid: number): Promise<ReadonlyMap<number, number>> {
  const pids = await processTree(pid)
  return new Map(await Promise.all(pids.map(async (id) => [id, (await usageOfOne(id)).cpuMs] as const)))
}

/** The process itself first. */
async function processTree(pid: number): Promise<readonly number[]> {
  const children = (await readProc(`/proc/${pid}/task/${pid}/children`))
    .split(' ')
    .filter((text) => text !== '')
  const below = await Promise.all(children.map((child) => processTree(Number(child))))
  return [pid, ...below.flat()]
}

async function usageOfOne(pid: number): Promise<Usage> {
  const stat = await readProc(`/proc/${pid}/stat`)
  if (stat === '') return { cpuMs: 0, residentBytes: 0, processes: 0 }
  // The command's name stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (index: number): number => Number(fields[index])
  return {
    cpuMs: (field(UTIME) + field(STIME)) * TICK_MS,
    residentBytes: field(RSS) * PAGE_BYTES,
    processes: 1,
  }
}

/** Empty for a process that has ended. */
async function readProc(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ESRCH')) return ''
    throw error
  }
}
