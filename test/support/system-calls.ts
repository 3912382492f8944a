import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { requireTool, skipLoudly } from './optional-tool.ts'

/** What a traced process asked of the kernel. */
export interface SystemCall {
  readonly name: string
  /** The paths and addresses in its arguments: of descriptors (`strace -y`) and of names. */
  readonly places: readonly string[]
  /** Lines of the trace: one call is over before another has begun if its end is before the other's begin. */
  readonly begin: number
  readonly end: number
}

/** In a test or a `before`: goes on only where strace can trace. `untried` says what is not tried without it. */
export async function requireTracing(test: Mocha.Context, untried: string): Promise<void> {
  requireTool(test, 'strace', untried)
  try {
    await promisify(execFile)('strace', ['-o', '/dev/null', 'true'])
  } catch {
    skipLoudly(test, `strace may not trace here: ${untried}`)
  }
}

/** What to put before a command so that these calls, of all its threads, are written to the file. */
export function tracer(file: string, calls: readonly string[]): readonly string[] {
  return ['strace', '-f', '-yy', '-s', '0', '-e', `trace=${calls.join(',')}`, '-o', file]
}

export async function readTrace(file: string): Promise<readonly SystemCall[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  const unfinished = new Map<string, SystemCall>()
  const calls: SystemCall[] = []
  for (const [number, line] of lines.entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = unfinished.get(thread)
    if (rest.startsWith('<... ') && resumed !== undefined) {
      calls.push({ ...resumed, end: number })
      unfinished.delete(thread)
      continue
    }
    const [, name] = /^(\w+)\(/.exec(rest) ?? []
    if (name === undefined) continue
    const call = { name, places: placesIn(rest), begin: number, end: number }
    if (rest.endsWith('<unfinished ...>')) unfinished.set(thread, call)
    else calls.push(call)
  }
  return calls.sort((one, other) => one.begin - other.begin)
}

/** `12</tmp/a>`, `12<TCP:[127.0.0.1:1->127.0.0.1:2]>`, `"/tmp/a"`. */
function placesIn(text: string): string[] {
  return [...text.matchAll(/\d<([^<>]*?(?:->[^<>]*)?)>|"([^"]*)"/g)].map(
    ([, place, name]) => place ?? name ?? '',
  )
}
