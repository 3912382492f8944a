#!/usr/bin/env node
import { constants } from 'node:os'
import { readVersion } from './app/version.ts'
import { runCommandLine } from './cli/program.ts'
import { processEnvironment } from './config/env.ts'

const termination = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // Asked again, somebody will not wait. The default action would not do: the first process of a container is spared it.
    if (termination.signal.aborted) process.exit(128 + constants.signals[signal])
    termination.abort()
  })
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  environment: processEnvironment(),
  now: () => new Date(),
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (text) => process.stderr.write(text),
  columns: process.stderr.isTTY ? process.stderr.columns : undefined,
  terminated: termination.signal,
  onHangup: (listener) => process.on('SIGHUP', listener),
  version: await readVersion(),
})
