import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { discardAtEnd } from '../../src/blobs/discard.ts'
import { DiskBlobStore } from '../../src/blobs/disk.ts'
import { type Actor } from '../../src/catalog/catalog.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { parseDigest } from '../../src/chart/digest.ts'
import { archiveFilename } from '../../src/chart/filename.ts'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/chart/repository-name.ts'
import { Policy, type Authorisation } from '../../src/policy/policy.ts'
import { ACTIONS, type Action } from '../../src/policy/rule.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { renderProvenanceMessage } from '../../src/provenance/message.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { publish, type PublishDeps, type PublishOutcome } from '../../src/repository/publish.ts'
import { type SettingsOf } from '../../src/repository/settings.ts'
import { type ChartSource, chartYaml } from './chart-builder.ts'
import { identity } from './identity.ts'
import { testSigningKey } from './installation.ts'

/** The real embedded stores in a temporary folder, for tests that drive use-cases without a server. */
export interface EmbeddedStores {
  readonly directory: string
  readonly catalog: SqliteCatalog
  readonly blobs: DiskBlobStore
  close(): Promise<void>
}

export async function openEmbeddedStores(): Promise<EmbeddedStores> {
  const directory = await mkdtemp(join(tmpdir(), 'chartroom-stores-'))
  const catalog = await SqliteCatalog.open({ file: join(directory, 'catalog.db') })
  const blobs = await DiskBlobStore.open({ directory })
  return {
    directory,
    catalog,
    blobs,
    close: async () => {
      await blobs.close()
      await catalog.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** As a configuration without any setting has it. */
export async function defaultSettings(): Promise<SettingsOf> {
  const signingKey = await SigningKey.open({ armored: await testSigningKey() })
  return () => ({
    overwrite: 'never',
    tombstones: 'keep',
    signingKey,
    publicKeyring: signingKey.publicKeyring,
    trustedKeyring: Keyring.empty(),
    unknownSigner: 'countersign',
    provenance: 'optional',
    access: 'read-write',
  })
}

const POLICY = new Policy([{ who: { anchor: 'built-in' }, may: ACTIONS, repositories: [{ glob: '**' }] }])

/** For an identity that may do everything everywhere. */
export function authorise<A extends Action>(action: A, repository: RepositoryName): Authorisation<A> {
  return POLICY.authorise(identity(), action, repository)
}

export function actorNow(): Actor {
  return { who: 'somebody', from: '192.0.2.7', requestId: 'request', at: new Date() }
}

/** Stages, publishes and discards, as an upload does. */
export async function upload(
  deps: PublishDeps,
  archive: Buffer,
  { repository = 'team-a', provenance }: { readonly repository?: string; readonly provenance?: string } = {},
): Promise<PublishOutcome> {
  const staged = await deps.blobs.stage(Readable.from([archive]), 1_000_000)
  try {
    return await publish(deps, {
      authorisation: authorise('publish', parseRepositoryName(repository)),
      archive: staged,
      ...(provenance !== undefined && { provenance: Buffer.from(provenance) }),
      force: 'unforced',
      actor: actorNow(),
    })
  } finally {
    await discardAtEnd(staged)
  }
}

/** The provenance file of a chart made by `chart(source)`. */
export async function signChart(key: SigningKey, archive: Buffer, source: ChartSource = {}): Promise<string> {
  const metadata = parseChartMetadata(chartYaml(source))
  const digest = parseDigest(createHash('sha256').update(archive).digest('hex'))
  const filename = archiveFilename(metadata.name, metadata.version)
  return key.sign(renderProvenanceMessage({ metadata, filename, digest }))
}
