import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { undoAtExit } from '../at-exit.ts'

/** One of those that are measured, running. */
export interface Server {
  readonly peer: PeerName
  readonly port: number
  /** Its first process; the others are below it. */
  readonly pid: number
  stop(): Promise<void>
}

/**
 * `nginx` is the system's (D); `nginx-s` another binary, best with the OpenSSL that Node has (S); `bare` is Node without
 * Chartroom.
 */
export type PeerName = 'chartroom' | 'nginx' | 'nginx-s' | 'chartmuseum' | 'bare'

export interface Launch {
  readonly peer: PeerName
  readonly command: readonly string[]
  readonly port: number
  /** Takes what the server prints. */
  readonly logFile: string
  readonly environment?: Readonly<Record<string, string>>
}

const START_TIMEOUT_MS = 120_000
const POLL_MS = 5

/** Resolves once the port accepts connections; rejects with what the server printed when it ends before. */
export async function launch({ peer, command, port, logFile, environment = {} }: Launch): Promise<Server> {
  const [program = '', ...args] = command
  const log = openSync(logFile, 'a')
  const child = spawn(program, args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...environment },
  })
  closeSync(log)
  child.once('error', () => undefined)
  undoAtExit(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').catch(() => undefined)
  await listening(port, child, logFile)
  return {
    peer,
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function listening(port: number, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    if (
      child.pid === undefined ||
      child.exitCode !== null ||
      child.signalCode !== null ||
      Date.now() > deadline
    ) {
      child.kill('SIGKILL')
      throw new Error(`the server does not start:\n${readFileSync(logFile, 'utf8')}`)
    }
    await setTimeout(POLL_MS)
  }
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
}
