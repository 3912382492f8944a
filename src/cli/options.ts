import { InvalidArgumentError, Option, type Command } from 'commander'
import { duration } from '../config/units.ts'

/** The options that every command has. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: chartroom.yaml where there is one)')
    .option('--storage <dir>', 'folder of the catalog and the blobs')
    .option('--certs <dir>', 'folder of certificates and keys')
}

export function withServerOptions(command: Command): Command {
  return withConfigOptions(command)
    .option('--listen <host:port>', 'where to serve over mTLS')
    .option('--ops <host:port|off>', 'where to serve probes and metrics')
    .option('--url <url>', 'the URL that clients use')
    .option('--context-path <path>', 'the path that everything is served under')
}

/** Of what a command answers: for people, or for programs. */
export type Format = 'table' | 'json'

export function withFormat(command: Command): Command {
  return command.addOption(
    new Option('--format <format>', 'of the report').choices(['table', 'json']).default('table'),
  )
}

/** For an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}

export function parseDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1) throw new InvalidArgumentError('expected a whole number of days')
  return days
}

/** In milliseconds. */
export function parseDuration(text: string): number {
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('expected a duration such as 30s or 24h')
  return parsed.data
}
