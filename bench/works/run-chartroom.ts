import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { LOAD_CORE, SERVER_CORE } from '../load/cores.ts'
import { chartroomCommand, type ChartroomFolder } from '../servers/chartroom.ts'

/** `chartroom <arguments>` on both cores, to its end; resolves with what it printed. Rejects when it fails. */
export async function runChartroom(
  { configFile }: ChartroomFolder,
  ...args: readonly string[]
): Promise<string> {
  const [program = '', ...rest] = chartroomCommand([SERVER_CORE, LOAD_CORE], ...args, '--config', configFile)
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const printed = text(child.stdout)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`chartroom ${args[0] ?? ''} failed: ${await printed}`)
  return printed
}
