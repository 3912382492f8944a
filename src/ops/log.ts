import { pino, type Logger, type LoggerOptions } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Structured lines on standard error: standard output is for what commands answer. */
export function createLog(level: LogLevel): Logger {
  const destination = pino.destination({ fd: 2, ...BUFFERING })
  process.once('exit', () => {
    destination.flushSync()
  })
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return pino({ ...options, hooks: { logMethod: writesWarningsAtOnce(destination) } }, destination)
}

/** A line for each request is written with its neighbours: a write of its own costs as much as serving a small file. */
const BUFFERING = {
  /** Bytes; a write of so many to a pipe is atomic, so that lines of several processes on one pipe stay whole. */
  maxWrite: 4096,
  /** Bytes, with room for one more line. */
  minLength: 3072,
  /** Milliseconds. */
  periodicFlush: 100,
}

type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

/** Pino's number for it. */
const WARN = 40

/** What goes wrong is written at once, for a process that ends the next moment. */
function writesWarningsAtOnce(destination: { flushSync(): void }): LogMethod {
  return function logMethod(args, method, level) {
    method.apply(this, args)
    if (level >= WARN) destination.flushSync()
  }
}
