import { type Command } from 'commander'
import { type CliContext } from './context.ts'
import { addKeyResign } from './key-resign.ts'
import { addKeyRevoke } from './key-revoke.ts'
import { addKeyRotate } from './key-rotate.ts'
import { addKeyShow } from './key-show.ts'

export function addKey(program: Command, context: CliContext, exitWith: (code: number) => void): void {
  const key = program.command('key').description('look at, replace and revoke the OpenPGP signing keys')
  addKeyShow(key, context)
  addKeyRotate(key, context)
  addKeyRevoke(key, context)
  addKeyResign(key, context, exitWith)
}
