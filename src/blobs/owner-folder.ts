import { randomBytes } from 'node:crypto'
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isSystemError } from '../errors.ts'

/**
 * Temporary folders that say whose they are: `<host>+<pid namespace>+<pid>+<start>+<random>`. The namespace tells
 * containers apart that share a host name, in which the same pid means different processes; the start time tells a
 * process from a later one with its pid; the random end tells apart the stores of one process.
 */

/** No upload pauses for so long: after it a folder whose process cannot be looked up counts as abandoned. */
const FOREIGN_IDLE_MS = 24 * 60 * 60 * 1000

/** Where there is no /proc: the process is then known by its pid alone. */
const UNKNOWN = '-'

interface Owner {
  readonly host: string
  readonly namespace: string
  readonly pid: number
  readonly start: string
}

export async function nameOwnFolder(): Promise<string> {
  const { host, namespace, pid, start } = await findSelf()
  return [host, namespace, pid, start, randomBytes(6).toString('hex')].join('+')
}

/** Removes the folders in `parent` whose process is gone, with what it left in them. */
export async function sweepAbandoned(parent: string): Promise<void> {
  const self = await findSelf()
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    if (entry.isDirectory()) await sweep(join(parent, entry.name), parseOwner(entry.name), self)
  }
}

async function sweep(folder: string, owner: Owner | undefined, self: Owner): Promise<void> {
  try {
    if (await isAbandoned(folder, owner, self)) await rm(folder, { recursive: true, force: true })
  } catch {
    // Another process has swept it meanwhile, or it is another user's: neither is a reason not to start.
  }
}

async function isAbandoned(folder: string, owner: Owner | undefined, self: Owner): Promise<boolean> {
  const isLocal = owner?.host === self.host && owner.namespace === self.namespace
  return isLocal ? !(await isRunning(owner)) : isIdle(folder)
}

async function isRunning({ pid, start }: Owner): Promise<boolean> {
  if (!hasProcess(pid)) return false
  const actual = await findStart(pid)
  return start === UNKNOWN || actual === UNKNOWN || actual === start
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another code, EPERM, says that there is one, of another user.
    return !isSystemError(error, 'ESRCH')
  }
}

/** By the newest of the folder and its files: writing to a file does not touch its folder. */
async function isIdle(folder: string): Promise<boolean> {
  const paths = [folder, ...(await readdir(folder)).map((name) => join(folder, name))]
  const touched = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs))
  return Date.now() - Math.max(...touched) > FOREIGN_IDLE_MS
}

function parseOwner(name: string): Owner | undefined {
  const [host, namespace, pid, start, random] = name.split('+')
  if (host === undefined || namespace === undefined || start === undefined || random === undefined)
    return undefined
  return { host, namespace, pid: Number(pid), start }
}

async function findSelf(): Promise<Owner> {
  return {
    host: encodeURIComponent(hostname()),
    namespace: await findNamespace(),
    pid: process.pid,
    start: await findStart(process.pid),
  }
}

/** The inode in `pid:[4026531836]` (proc(5), /proc/pid/ns). */
async function findNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => UNKNOWN)
  return /\d+/.exec(link)?.[0] ?? UNKNOWN
}

/** Field 22 of /proc/pid/stat (proc(5)), counted behind the command's name, which may hold spaces and brackets. */
async function findStart(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? UNKNOWN
}
