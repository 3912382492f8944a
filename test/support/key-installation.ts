import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readRepositorySettings } from '../../src/app/repository-settings.ts'
import { type AuditEntry } from '../../src/catalog/catalog.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { ROOT_REPOSITORY } from '../../src/chart/repository-name.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { readPublicPart } from '../../src/provenance/retired-key.ts'
import { type RepositorySettings, type SettingsOf } from '../../src/repository/settings.ts'
import { runChartroom, type CommandOptions, type CommandResult } from './command-line.ts'
import { Installation } from './installation.ts'
import { keyringOf } from './openpgp-keys.ts'

/** An installation whose signing keys are looked after on the command line; file names are relative to its folder. */
export class KeyInstallation {
  readonly #installation: Installation

  private constructor(installation: Installation) {
    this.#installation = installation
  }

  static async create(settings: Readonly<Record<string, unknown>> = {}): Promise<KeyInstallation> {
    return new KeyInstallation(await Installation.create({ settings }))
  }

  get configFile(): string {
    return this.#installation.configFile
  }

  async remove(): Promise<void> {
    await this.#installation.remove()
  }

  /** `chartroom key …`. */
  async key(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runChartroom(['key', ...args, '--config', this.configFile], options)
  }

  /** Gives the lines that it printed. */
  async succeed(args: readonly string[], options: CommandOptions = {}): Promise<readonly string[]> {
    const { code, stdout, stderr } = await this.key(args, options)
    assert.deepEqual([code, stderr], [0, ''])
    return stdout.trimEnd().split('\n')
  }

  async refuse(args: readonly string[], message: RegExp, options: CommandOptions = {}): Promise<void> {
    const { code, stderr } = await this.key(args, options)
    assert.equal(code, 1)
    assert.match(stderr, message)
  }

  async fsck(): Promise<CommandResult> {
    return runChartroom(['fsck', '--config', this.configFile])
  }

  at(...names: readonly string[]): string {
    return join(this.#installation.folder, ...names)
  }

  async read(...names: readonly string[]): Promise<string> {
    return readFile(this.at(...names), 'utf8')
  }

  async writeSecret(content: string, ...names: readonly string[]): Promise<void> {
    await writeFile(this.at(...names), content, { mode: 0o600 })
  }

  async ring(...names: readonly string[]): Promise<Keyring> {
    return Keyring.parse(await readFile(this.at(...names)))
  }

  /** By fingerprint. */
  async statesIn(...names: readonly string[]): Promise<Record<string, string>> {
    const keys = await (await this.ring(...names)).describe(new Date())
    return Object.fromEntries(keys.map(({ fingerprint, state }) => [fingerprint, state]))
  }

  async newestAudit(): Promise<AuditEntry | undefined> {
    const catalog = await SqliteCatalog.open({ file: this.at('storage', 'catalog.db') })
    try {
      return (await catalog.listAudit({ limit: 1 }))[0]
    } finally {
      await catalog.close()
    }
  }

  /** As `serve` reads them. */
  async settingsOf(): Promise<SettingsOf> {
    return readRepositorySettings(await loadConfig({ config: this.configFile }, {}))
  }

  async settings(): Promise<RepositorySettings> {
    return (await this.settingsOf())(ROOT_REPOSITORY)
  }

  /** Puts an older key into the server's keyring and gives its fingerprint. */
  async addOlder(armored: string): Promise<string> {
    const keyring = (await this.ring('certs', 'provenance.gpg')).merge(await keyringOf(armored))
    await writeFile(this.at('certs', 'provenance.gpg'), keyring.toBinary())
    return fingerprintOf(armored)
  }
}

/** Of a private key, locked or not. */
export async function fingerprintOf(armored: string): Promise<string> {
  return (await readPublicPart(armored, new Date())).description.fingerprint
}
