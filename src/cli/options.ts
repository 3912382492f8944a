import { type Command } from 'commander'

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
}

/** For an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}
