import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { TestCa, type TestPeer } from './test-ca.ts'

export interface InstallationOptions {
  readonly ca?: TestCa
  /** Merged over the defaults, as in chartroom.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A folder with all that a server needs to start on free ports, its trust anchor, and peers that the anchor vouches for. */
export class Installation {
  readonly folder: string
  readonly ca: TestCa

  private constructor(folder: string, ca: TestCa) {
    this.folder = folder
    this.ca = ca
  }

  static async create({ ca, settings = {} }: InstallationOptions = {}): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-test-'))
    const self = new Installation(folder, ca ?? (await TestCa.create({ name: 'Built-in' })))
    await self.#writeCerts()
    await writeFile(
      self.configFile,
      dump({
        listen: '127.0.0.1:0',
        ops: '127.0.0.1:0',
        access: DEFAULT_ACCESS,
        shutdown: { drain: '3s' },
        ...settings,
      }),
    )
    return self
  }

  get configFile(): string {
    return join(this.folder, 'chartroom.yaml')
  }

  get storage(): string {
    return join(this.folder, 'storage')
  }

  /** The name that the default grants give every action. */
  async admin(): Promise<TestPeer> {
    return this.ca.client({ cn: 'admin', ou: 'administrators' })
  }

  async publisher(): Promise<TestPeer> {
    return this.ca.client({ cn: 'ci', ou: 'publishers' })
  }

  async reader(): Promise<TestPeer> {
    return this.ca.client({ cn: 'reader' })
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true })
  }

  async #writeCerts(): Promise<void> {
    const certs = join(this.folder, 'certs')
    await mkdir(certs)
    const server = await this.ca.server()
    const armored = await testSigningKey()
    const { publicKeyring } = await SigningKey.open({ armored })
    await writeFile(join(certs, 'ca.crt'), this.ca.certificatePem)
    await writeFile(join(certs, 'server.crt'), server.cert)
    await writeFile(join(certs, 'server.key'), server.key, { mode: 0o600 })
    await writeFile(join(certs, 'provenance.key.asc'), armored, { mode: 0o600 })
    await writeFile(join(certs, 'provenance.gpg'), publicKeyring.toBinary())
  }
}

/** The grants that `chartroom init` writes. */
export const DEFAULT_ACCESS = [
  {
    who: { anchor: 'built-in', ou: 'administrators' },
    may: ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'],
    repositories: 'all',
  },
  { who: { anchor: 'built-in', ou: 'publishers' }, may: ['read', 'publish'], repositories: 'all' },
  { who: { anchor: 'built-in' }, may: ['read'], repositories: 'all' },
]

let armoredKey: Promise<string> | undefined

/** One key for all servers of a test run: making one takes a second. */
export async function testSigningKey(): Promise<string> {
  armoredKey ??= generateSigningKey({ userId: 'Test <test@example.org>', now: new Date() })
  return armoredKey
}
