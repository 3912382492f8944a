import { type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type Preview, type PreviewedVersion, previewMirror } from '../mirror/preview.ts'
import { configuredMirrors, requireMirror } from './configured-mirrors.ts'
import { EXIT } from './exit.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { describeFailures, named } from './mirror-report.ts'
import { withConfigOptions, withFormat, type Format } from './options.ts'
import { type PublishContext } from './publish.ts'
import { withMirrors } from './with-mirrors.ts'

export function addMirrorDiff(
  mirror: Command,
  context: PublishContext,
  exitWith: (code: number) => void,
): void {
  withFormat(withConfigOptions(mirror.command('diff <repository>')))
    .description(
      'ask the upstreams what they have, and compare it with what is stored; changes nothing; exit status 1 if one cannot be read',
    )
    .action(async (name: string, flags: ConfigFlags & { readonly format: Format }) => {
      const config = await loadConfig(flags, context.environment)
      const configured = requireMirror(configuredMirrors(config), parseRepositoryArgument(name))
      const preview = await withMirrors(context, config, async ({ open, deps }) => {
        const previewDeps = { offers: deps.catalog.offers, now: deps.now }
        return previewMirror(previewDeps, await open(configured), context.terminated)
      })
      for (const line of describe(preview, flags.format)) context.print(line)
      exitWith(preview.upstreams.some(({ failure }) => failure !== undefined) ? EXIT.failed : EXIT.ok)
    })
}

const SAID: Readonly<Record<Exclude<PreviewedVersion['state'], 'stored'>, string>> = {
  missing: '+ ',
  held: '? ',
  rejected: '! ',
  withdrawn: 'x ',
  changed: '~ ',
  gone: '- ',
}

function describe(preview: Preview, format: Format): readonly string[] {
  const { upstreams, versions } = preview
  const stored = versions.filter(({ state }) => state === 'stored').length
  const other = versions.filter(({ state }) => state !== 'stored')
  if (format === 'json') return [JSON.stringify({ upstreams, stored, versions: other })]
  return [
    ...describeFailures(upstreams),
    ...other.map((version) => `${signOf(version)}${named(version)}: ${explain(version)}`),
    `${stored} stored and the same, ${other.length} not`,
  ]
}

function signOf({ state }: PreviewedVersion): string {
  return state === 'stored' ? '  ' : SAID[state]
}

function explain({ state, isStored, digest }: PreviewedVersion): string {
  switch (state) {
    case 'stored':
      return 'stored'
    case 'missing':
      return 'not stored'
    case 'held':
      return 'held back'
    case 'rejected':
      return 'rejected'
    case 'withdrawn':
      return 'deleted here'
    case 'changed':
      return `upstream has sha256:${digest ?? ''} now; ${isStored ? 'what is stored stays' : 'not stored'}`
    case 'gone':
      return `gone upstream; ${isStored ? 'stored here' : 'never stored'}`
  }
}
