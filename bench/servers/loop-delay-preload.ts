import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Loaded into the server with `--import`: on SIGUSR2 it writes the longest time, in milliseconds, that the event loop
 * has been blocked since the last one.
 */
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('SIGUSR2', () => {
  const file = process.env['BENCH_LOOP_DELAY_FILE']
  if (file !== undefined) writeFileSync(file, String(delay.max / 1e6))
  delay.reset()
})
