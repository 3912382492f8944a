import { spawnSync } from 'node:child_process'
import { type PeerName } from './server.ts'

/** Whom Chartroom is measured against on this machine. */
export interface Peers {
  readonly nginx?: NginxBinary<'nginx'>
  readonly nginxS?: NginxBinary<'nginx-s'>
  readonly chartmuseum?: true
  readonly bare?: true
  /** Of each that is there, what it says of itself. */
  readonly versions: Readonly<Record<string, string>>
}

interface NginxBinary<Peer extends PeerName> {
  readonly peer: Peer
  readonly binary: string
}

export interface PeersRequest {
  readonly peers: readonly PeerName[]
  /** The binary of an nginx with the OpenSSL that Node has. */
  readonly nginxS: string | undefined
}

/** Those that are asked for and can be run; `say` is told which are left out. */
export function findPeers({ peers, nginxS }: PeersRequest, say: (line: string) => void): Peers {
  const find = (peer: PeerName, version: () => string | undefined, leftOut: string): string | undefined => {
    if (!peers.includes(peer)) return undefined
    const found = version()
    if (found === undefined) say(leftOut)
    return found
  }
  const nginx = find('nginx', () => nginxVersion('nginx'), 'nginx is not installed: no comparison with it')
  const museum = find('chartmuseum', museumVersion, 'chartmuseum is not on PATH: no comparison with it')
  const other =
    nginxS &&
    find('nginx-s', () => nginxVersion(nginxS), 'the nginx of --nginx-s cannot be run: no comparison with it')
  return {
    ...(nginx && { nginx: { peer: 'nginx', binary: 'nginx' } }),
    ...(other && nginxS && { nginxS: { peer: 'nginx-s', binary: nginxS } }),
    ...(museum && { chartmuseum: true }),
    ...(peers.includes('bare') && { bare: true }),
    versions: {
      ...(nginx && { nginx }),
      ...(other && { 'nginx-s': other }),
      ...(museum && { chartmuseum: museum }),
    },
  }
}

/** `nginx/1.22.1, OpenSSL 3.0.19`. */
function nginxVersion(binary: string): string | undefined {
  const said = output(binary, ['-V'])
  if (said === undefined) return undefined
  const version = /nginx version: (\S+)/.exec(said)?.[1] ?? 'nginx'
  const running = /running with (OpenSSL \S+)/.exec(said)?.[1] ?? /built with (OpenSSL \S+)/.exec(said)?.[1]
  return running === undefined ? version : `${version}, ${running}`
}

/** One that was built without the project's Makefile does not know its version. */
function museumVersion(): string | undefined {
  const said = output('chartmuseum', ['--version'])
  return said && (/version (v?\d\S*)/.exec(said)?.[1] ?? 'of unknown version')
}

function output(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return error === undefined ? stdout + stderr : undefined
}
