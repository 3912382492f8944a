import { type Command } from 'commander'
import { addMirrorClosure } from './mirror-closure.ts'
import { addMirrorDiff } from './mirror-diff.ts'
import { addMirrorReject } from './mirror-reject.ts'
import { addMirrorRelease } from './mirror-release.ts'
import { addMirrorStatus } from './mirror-status.ts'
import { addMirrorSync } from './mirror-sync.ts'
import { type PublishContext } from './publish.ts'

export function addMirror(program: Command, context: PublishContext, exitWith: (code: number) => void): void {
  const mirror = program
    .command('mirror')
    .description('fetch, look at and decide on the charts of upstream repositories')
  addMirrorSync(mirror, context, exitWith)
  addMirrorStatus(mirror, context)
  addMirrorDiff(mirror, context, exitWith)
  addMirrorRelease(mirror, context)
  addMirrorReject(mirror, context)
  addMirrorClosure(mirror, context, exitWith)
}
