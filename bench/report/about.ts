import { execFileSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { type About } from './result.ts'

export function describeMachine(versions: Readonly<Record<string, string>>): About {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: currentCommit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    openssl: process.versions.openssl,
    versions,
  }
}

/** With a `+` when the sources are not quite that commit's. */
function currentCommit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', import.meta.dirname, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    const isChanged = git('status', '--porcelain', '--', ':/src') !== ''
    return `${git('rev-parse', '--short=10', 'HEAD').trim()}${isChanged ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
