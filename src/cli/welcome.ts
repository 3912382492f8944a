import { join } from 'node:path'
import { type Serving } from '../app/server.ts'
import { type Config } from '../config/load.ts'
import { formatAddress } from '../config/units.ts'
import { hasFile } from '../ops/has-file.ts'
import { CA_CERTIFICATE } from './built-in-authority.ts'
import { clientsFolder } from './client-files.ts'
import { ADMINISTRATOR } from './initialise.ts'

/** What to paste next, with this installation's own paths: add the repository, publish, pull and verify. */
export async function welcome(config: Config, server: Serving): Promise<string> {
  const url = urlOf(config, server)
  const files = await clientFiles(config)
  const helmFlags = `--ca-file ${files.ca} --cert-file ${files.certificate} --key-file ${files.key}`
  const curlFlags = `--cacert ${files.ca} --cert ${files.certificate} --key ${files.key}`
  const keyring = shellWord(config.signing.keyring)
  return `
Chartroom serves ${url}${opsText(config, server)}

Add the repository to Helm:

  helm repo add chartroom ${url} ${helmFlags}

Publish a chart:

  helm create demo && helm package demo
  curl --fail-with-body ${curlFlags} --data-binary @demo-0.1.0.tgz ${url}/api/charts

Pull it and verify its provenance:

  helm repo update chartroom
  helm pull chartroom/demo --version 0.1.0 --verify --keyring ${keyring}

Stop with Ctrl-C. More certificates: chartroom cert issue NAME [--unit publishers]
`
}

function urlOf({ url, listen }: Config, { port }: Serving): string {
  // Port 0 was a wish for any free port: only now is it known which.
  return listen.port === 0 ? url.replace(/:0(?=\/|$)/, `:${port}`) : url
}

function opsText({ ops }: Config, { opsPort }: Serving): string {
  if (ops === 'off' || opsPort === undefined) return ''
  return `\nProbes and metrics: http://${formatAddress({ host: ops.host, port: opsPort })}/readyz and /metrics`
}

interface ClientFiles {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** The administrator's files where `init` made them; else a name for the reader's own. */
async function clientFiles({ certs }: Config): Promise<ClientFiles> {
  const base = join(clientsFolder(certs), ADMINISTRATOR.name)
  const ca = join(certs, CA_CERTIFICATE)
  if (!(await hasFile(`${base}.crt`))) return { ca: 'CA.crt', certificate: 'CLIENT.crt', key: 'CLIENT.key' }
  return { ca: shellWord(ca), certificate: shellWord(`${base}.crt`), key: shellWord(`${base}.key`) }
}

/** Quoted for a POSIX shell where it has to be. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
