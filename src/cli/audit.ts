import { Option, type Command } from 'commander'
import { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditRecord } from '../catalog/catalog.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { DEFAULT_AUDIT_LIMIT, parseAuditQuery, type AuditFilter } from '../repository/audit-query.ts'
import { asciiOnly } from '../text.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { renderTable } from './table.ts'
import { withCatalogAsItIs } from './with-catalog.ts'

interface AuditFlags extends ConfigFlags, Omit<AuditFilter, 'before'> {
  readonly format: 'table' | 'json'
}

/** Here the process has nothing else to do; the reply of the server has a narrower limit. */
const MOST_ENTRIES = 1_000_000

export function addAudit(program: Command, context: CliContext): void {
  withConfigOptions(program.command('audit'))
    .description('print the audit trail: who changed what, and who was refused what, the newest first')
    .option('--since <time>', 'from then on: 24h, 7d, 2026-03-04 or 2026-03-04T12:00:00Z')
    .option('--until <time>', 'before then')
    .option('--who <name>', `by this identity: ci, or the whole name: built-in cn:"ci"`)
    .option('--repository <name>', 'in this repository; / is the root one')
    .addOption(new Option('--action <action>', 'of this kind').choices(AUDIT_ACTIONS))
    .addOption(new Option('--outcome <outcome>', 'with this outcome').choices(AUDIT_OUTCOMES))
    .option('--limit <n>', 'as many at most', String(DEFAULT_AUDIT_LIMIT))
    .addOption(new Option('--format <format>').choices(['table', 'json']).default('table'))
    .action(async ({ format, ...flags }: AuditFlags) => {
      const query = parseAuditQuery(flags, { now: context.now(), mostEntries: MOST_ENTRIES })
      const config = await loadConfig(flags, context.environment)
      const entries = await withCatalogAsItIs(config, (catalog) => catalog.listAudit(query))
      context.print(format === 'json' ? JSON.stringify(entries, undefined, 2) : renderEntries(entries))
    })
}

function renderEntries(entries: readonly AuditRecord[]): string {
  const heading = ['TIME', 'WHO', 'FROM', 'ACTION', 'OUTCOME', 'REPOSITORY', 'CHART', 'DETAIL']
  return renderTable([heading, ...entries.map(rowOf)]).join('\n')
}

function rowOf(entry: AuditRecord): readonly string[] {
  const { at, who, from, action, outcome, repository, chart = '', version = '', detail = '' } = entry
  const place = repository === undefined ? '' : repository || '/'
  const cells = [at.toISOString(), who, from, action, outcome, place, `${chart} ${version}`.trim(), detail]
  return cells.map(asciiOnly)
}
