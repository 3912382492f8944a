import { type Command, Option } from 'commander'
import { type Catalog } from '../catalog/catalog.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { openBuiltInCa } from './built-in-authority.ts'
import {
  certifyClientFile,
  type ClientSubject,
  issueClient,
  issueClientFiles,
  type IssueDeps,
} from './client-files.ts'
import { cliActor, type CliContext } from './context.ts'
import { renderTlsSecret } from './kubernetes-secret.ts'
import { collect, parseDays, withConfigOptions } from './options.ts'
import { readCertificateRequest } from './certificate-input.ts'
import { withCatalog } from './with-catalog.ts'

interface IssueFlags extends ConfigFlags {
  readonly org?: readonly string[]
  readonly unit?: readonly string[]
  readonly uri?: string
  readonly dns?: readonly string[]
  readonly email?: readonly string[]
  readonly days?: number
  readonly csr?: string
  readonly p12?: true
  readonly out?: string
  readonly format: 'files' | 'secret'
  readonly namespace?: string
  readonly secretName?: string
}

export function addCertIssue(cert: Command, context: CliContext): void {
  withConfigOptions(cert.command('issue <name>'))
    .description('make NAME.crt and NAME.key, ready for --cert-file and --key-file')
    .option('--org <o>', 'organization (may be repeated)', collect)
    .option('--unit <ou>', 'organizational unit, such as publishers (may be repeated)', collect)
    .option('--uri <uri>', 'URI name, such as spiffe://example.org/ci')
    .option('--dns <host>', 'DNS name (may be repeated)', collect)
    .option('--email <address>', 'e-mail address (may be repeated)', collect)
    .option('--days <n>', 'validity in days (default: 365)', parseDays)
    .option('--csr <file>', 'certify the key of this certificate request; nothing else of it counts')
    .option('--p12', 'also NAME.p12 for browsers, and its password in NAME.p12.password')
    .option('--out <dir>', 'folder for the files (default: clients in the certs folder)')
    .addOption(
      new Option('--format <format>', 'secret prints a Kubernetes Secret and writes no file')
        .choices(['files', 'secret'])
        .default('files'),
    )
    .option('--namespace <namespace>', "the Secret's namespace")
    .option('--secret-name <name>', "the Secret's name (default: NAME)")
    .action(async (name: string, flags: IssueFlags) => {
      await issue(context, name, flags)
    })
}

async function issue(context: CliContext, name: string, flags: IssueFlags): Promise<void> {
  requireCompatible(flags)
  const config = await loadConfig(flags, context.environment)
  const ca = await openBuiltInCa(config, context.now())
  const subject = subjectFrom(name, flags)
  await withCatalog(config, async (catalog: Catalog) => {
    const deps = { ca, catalog, actor: cliActor(context) }
    if (flags.format === 'secret') context.print(await issueSecret(deps, subject, flags))
    else for (const file of await issueFiles(deps, config, { ...subject, flags })) context.print(file)
  })
}

function requireCompatible({ format, csr, p12, out, namespace, secretName }: IssueFlags): void {
  if (csr !== undefined && (p12 === true || format === 'secret')) {
    throw new AppError(
      'request-invalid',
      '--p12 and --format secret need the key, which a --csr does not hold',
    )
  }
  if (format === 'secret' && (p12 === true || out !== undefined)) {
    throw new AppError('request-invalid', '--format secret writes no files: leave out --p12 and --out')
  }
  if (format === 'files' && (namespace !== undefined || secretName !== undefined)) {
    throw new AppError('request-invalid', '--namespace and --secret-name are for --format secret')
  }
}

function subjectFrom(name: string, { org, unit, uri, dns, email, days }: IssueFlags): ClientSubject {
  return {
    name,
    organizations: org ?? [],
    units: unit ?? [],
    dnsNames: dns ?? [],
    emails: email ?? [],
    ...(uri !== undefined && { uri }),
    ...(days !== undefined && { days }),
  }
}

async function issueFiles(
  deps: IssueDeps,
  { certs }: Config,
  { flags, ...subject }: ClientSubject & { readonly flags: IssueFlags },
): Promise<readonly string[]> {
  const place = flags.out === undefined ? {} : { directory: flags.out }
  if (flags.csr !== undefined) {
    const publicKey = await readCertificateRequest(flags.csr)
    return [await certifyClientFile(deps, certs, { ...subject, ...place, publicKey })]
  }
  const bundle = flags.p12 === true ? 'pkcs12' : 'none'
  return issueClientFiles(deps, certs, { ...subject, ...place, bundle })
}

/** Checked with nothing in it first: a name that Kubernetes refuses must not cost a certificate. */
async function issueSecret(deps: IssueDeps, subject: ClientSubject, flags: IssueFlags): Promise<string> {
  const request = {
    name: flags.secretName ?? subject.name,
    caPem: deps.ca.bundlePem,
    ...(flags.namespace !== undefined && { namespace: flags.namespace }),
  }
  renderTlsSecret({ ...request, certificatePem: '', keyPem: '' })
  const { certificatePem, keyPem } = await issueClient(deps, subject)
  return renderTlsSecret({ ...request, certificatePem, keyPem })
}
