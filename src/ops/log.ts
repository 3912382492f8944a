import { pino, type Logger, type LoggerOptions } from 'pino'
import { LineBuffer } from './line-buffer.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Structured lines on standard error: standard output is for what commands answer. */
export function createLog(level: LogLevel): Logger {
  const lines = new LineBuffer()
  process.once('exit', () => {
    lines.flush()
  })
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return pino({ ...options, hooks: { logMethod: writesWarningsAtOnce(lines) } }, lines)
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

/** Pino's number for it. */
const WARN = 40

/** What goes wrong is written at once, for a process that ends the next moment. */
function writesWarningsAtOnce(lines: LineBuffer): LogMethod {
  return function logMethod(args, method, level) {
    method.apply(this, args)
    if (level >= WARN) lines.flush()
  }
}
