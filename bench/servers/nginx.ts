import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../../test/support/nginx.ts'
import { pinnedTo, SERVER_CORE } from '../load/cores.ts'
import { type Certificates } from './certificates.ts'
import { launch, type Server } from './server.ts'

export interface NginxOptions {
  readonly peer: 'nginx' | 'nginx-s'
  readonly binary: string
  /** For its log and temporary files. */
  readonly folder: string
  /** What it serves. */
  readonly root: string
}

/** The files of a repository behind a required client certificate. */
export async function startNginx(
  { peer, binary, folder, root }: NginxOptions,
  certificates: Certificates,
): Promise<Server> {
  const [port = 0] = await freePorts(1)
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'nginx.conf')
  await writeFile(config, configuration({ folder, root, port }, certificates))
  const command = [...pinnedTo(SERVER_CORE), binary, '-e', 'stderr', '-c', config, '-g', 'daemon off;']
  return launch({ peer, command, port, logFile: join(folder, 'nginx.log') })
}

/**
 * The settings of the nginx.conf that Debian installs, with the TLS directives of its documentation for client
 * certificates. Beyond them only `keepalive_requests`: a connection that is kept alive is not to be closed in between.
 */
function configuration(
  { folder, root, port }: { readonly folder: string; readonly root: string; readonly port: number },
  { server, caFile }: Certificates,
): string {
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers on;
  access_log ${folder}/access.log;
  gzip on;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${server.certFile};
    ssl_certificate_key ${server.keyFile};
    ssl_client_certificate ${caFile};
    ssl_verify_client on;
    root ${root};
  }
}
`
}
