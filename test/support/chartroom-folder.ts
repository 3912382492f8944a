import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { deepEqual, equal, match } from 'node:assert/strict'
import { type CommandOptions, type CommandResult, runChartroom } from './command-line.ts'
import { testSigningKey } from './installation.ts'

/** As `cert list --format json` has it. */
export interface ListedCertificate {
  readonly name: string
  readonly serial: string
  readonly state: string
  readonly altNames: readonly string[]
  readonly reason?: string
  readonly revokedAt?: string
  readonly lastSeenAt?: string
}

/** What `chartroom init` makes, in a temporary folder of its own, and the commands run on it. */
export class ChartroomFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** With a signing key of the test run's: making one takes a second. */
  static async create(options: CommandOptions = {}): Promise<ChartroomFolder> {
    const folder = await ChartroomFolder.empty()
    await mkdir(folder.file('certs'), { mode: 0o700 })
    await writeFile(folder.file('certs/provenance.key.asc'), await testSigningKey(), { mode: 0o600 })
    await folder.run(['init'], options)
    return folder
  }

  static async empty(): Promise<ChartroomFolder> {
    return new ChartroomFolder(await mkdtemp(join(tmpdir(), 'chartroom-cli-')))
  }

  async copy(): Promise<ChartroomFolder> {
    const folder = await ChartroomFolder.empty()
    await cp(this.path, folder.path, { recursive: true })
    return folder
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true })
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** One that must succeed; its answer in lines. */
  async run(args: readonly string[], options: CommandOptions = {}): Promise<readonly string[]> {
    const { code, stdout, stderr } = await this.attempt(args, options)
    equal(code, 0, stderr)
    return stdout.trimEnd().split('\n')
  }

  async attempt(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const place = ['--config', this.file('chartroom.yaml')]
    return runChartroom([...args, ...place], options)
  }

  /** One that must be refused, with nothing on standard output. */
  async refuses(args: readonly string[], message: RegExp, code = 1): Promise<void> {
    const result = await this.attempt(args)
    match(result.stderr, message)
    deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' })
  }

  /** Makes a client certificate in the usual place. */
  async issue(name: string, ...flags: readonly string[]): Promise<X509Certificate> {
    await this.run(['cert', 'issue', name, ...flags])
    return this.certificate(`certs/clients/${name}.crt`)
  }

  async listed(name: string): Promise<readonly ListedCertificate[]> {
    const lines = await this.run(['cert', 'list', '--format', 'json'])
    return (JSON.parse(lines.join('\n')) as ListedCertificate[]).filter((entry) => entry.name === name)
  }

  async read(name: string): Promise<string> {
    return readFile(this.file(name), 'utf8')
  }

  async certificate(name: string): Promise<X509Certificate> {
    return new X509Certificate(await this.read(name))
  }
}

/** As the catalog and the CRL have it. */
export function serialOf(certificate: X509Certificate): string {
  return certificate.serialNumber.toLowerCase()
}
