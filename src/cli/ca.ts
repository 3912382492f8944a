import { type Command } from 'commander'
import { addCaRetire } from './ca-retire.ts'
import { addCaRotate } from './ca-rotate.ts'
import { type CliContext } from './context.ts'

export function addCa(program: Command, context: CliContext): void {
  const ca = program.command('ca').description('replace the built-in CA')
  addCaRotate(ca, context)
  addCaRetire(ca, context)
}
