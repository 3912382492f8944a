import { startServer, type RunningServer } from '../app/server.ts'
import { processEnvironment } from '../config/env.ts'
import { loadConfig } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../ops/log.ts'
import { holdSettings } from './hold-settings.ts'
import { type Answers, type FromWorker, type ToWorker } from './messages.ts'

/** One of several processes on the same port: started by the supervisor, told by it what to do, and gone with it. */

let server: Promise<RunningServer> | undefined
const log = createLog('info').child({ pid: process.pid })

process.on('message', (message: ToWorker) => {
  obey(message).catch((error: unknown) => {
    log.error({ err: error }, `${message.kind} failed`)
  })
})
// The supervisor has died: nobody would ever end this process.
process.on('disconnect', () => void end())
// A terminal and a service manager signal every process; the supervisor is the one that acts on it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'start':
      server = start(message)
      await announce(server)
      return
    case 'reload':
      await (await server)?.reload()
      return
    case 'drain':
      await end()
      return
    case 'ask':
      await answer(message)
      return
  }
}

async function start({ flags, held }: ToWorker & { kind: 'start' }): Promise<RunningServer> {
  const load = holdSettings(() => loadConfig(flags, processEnvironment()), held, log)
  log.level = (await load()).log.level
  return startServer(load, { log, now: () => new Date(), reusePort: true })
}

async function announce(starting: Promise<RunningServer>): Promise<void> {
  try {
    send({ kind: 'serving', port: (await starting).port })
  } catch (error) {
    if (!(error instanceof AppError)) throwOutside(error)
    else send({ kind: 'refused', code: error.code, message: error.message }, () => process.exit(1))
  }
}

async function answer({ question, id }: ToWorker & { kind: 'ask' }): Promise<void> {
  if (server === undefined) return
  const { metrics, readiness } = await server
  const answers: { [Q in keyof Answers]: () => Promise<Answers[Q]> } = {
    metrics: () => metrics.registry.getMetricsAsJSON(),
    readiness,
    pulse: () => Promise.resolve(true),
  }
  send({ kind: 'answer', id, answer: await answers[question]() })
}

/** Also in the middle of the start. */
async function end(): Promise<void> {
  try {
    await (await server?.catch(() => undefined))?.close()
    process.exit(0)
  } catch (error) {
    log.fatal({ err: error }, 'not everything could be closed')
    process.exit(1)
  }
}

/** What nobody has foreseen ends the process, as it does where there is only one. */
function throwOutside(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}

/** To a supervisor that is gone, nothing: `disconnect` has the last word. */
function send(message: FromWorker, sent: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, sent)
}
