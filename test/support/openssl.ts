import { spawnSync } from 'node:child_process'
import { skipWithoutTool } from './optional-tool.ts'

/** The openssl of this machine: what it makes of our certificates counts, not what the library that wrote them says. */

export interface OpensslRun {
  readonly code: number
  /** Standard output and standard error together: openssl spreads its answers over both. */
  readonly output: string
}

/** Runs to its end; a failure is a result, not an error. */
export function openssl(...args: readonly string[]): OpensslRun {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8', input: '' })
  if (error !== undefined) throw error
  return { code: status ?? -1, output: `${stdout}${stderr}` }
}

/** `describe` where openssl 3 is on the path. */
export function describeWithOpenssl(title: string, suite: () => void): void {
  describe(title, () => {
    before(function () {
      if (!hasOpenssl()) skipWithoutTool(this, `no openssl 3 on the path: not tried: ${title}`)
    })
    suite()
  })
}

function hasOpenssl(): boolean {
  try {
    return openssl('version').output.startsWith('OpenSSL 3.')
  } catch {
    // Not installed.
    return false
  }
}
