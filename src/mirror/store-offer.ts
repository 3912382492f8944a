import { type Logger } from 'pino'
import { type Actor } from '../catalog/catalog.ts'
import { type AlarmKind, type Offer } from '../catalog/offers.ts'
import { type ChartArchive } from '../chart/archive.ts'
import { type Digest } from '../chart/digest.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { Keyring } from '../provenance/keyring.ts'
import { verifyProvenance } from '../provenance/verify.ts'
import { publishByReading } from '../repository/import-package.ts'
import { type PublishDeps } from '../repository/publish.ts'
import { quoted } from '../text.ts'
import { type AlarmDeps, raiseAlarm } from './alarms.ts'
import { type Downloaded } from './download.ts'
import { type MirrorUpstream } from './mirror.ts'
import { upstreamInvalid } from './upstream-error.ts'
import { settingsForUpstream } from './verify-rules.ts'

export type StoreDeps = PublishDeps &
  AlarmDeps & {
    readonly archives: NonNullable<PublishDeps['archives']>
    /** Public keys, of a file. Throws `key-unusable`. */
    readonly readKeyring: (file: string) => Promise<Keyring>
    readonly log: Logger
  }

export interface Storing extends Downloaded {
  readonly upstream: MirrorUpstream
  readonly offer: Offer
  readonly actor: Actor
}

/**
 * Publishes what was downloaded if it is what the upstream's index and signature say, and countersigns it. Bytes of
 * another digest and signatures that fail raise an alarm. Throws `upstream-invalid` for them, and what `publish` throws.
 */
export async function storeOffer(deps: StoreDeps, storing: Storing): Promise<'stored' | 'unchanged'> {
  const { upstream, offer, archive, actor } = storing
  const { verify, reading, keyring: file } = upstream.settings
  if (expectedDigest(offer) !== undefined && archive.digest !== expectedDigest(offer)) {
    const reason = `the archive has the digest ${archive.digest}, and the index says ${String(offer.digest)}`
    throw await alarm(deps, storing, { kind: 'digest-mismatch', reason, digest: archive.digest })
  }
  const keyring = file === undefined ? Keyring.empty() : await deps.readKeyring(file)
  const provenance = await usableProvenance(deps, storing)
  const { outcome } = await publishByReading(
    {
      ...deps,
      settingsOf: settingsForUpstream(deps.settingsOf, verify, keyring),
      archives: { read: async (staged, as) => requireOffered(await deps.archives.read(staged, as), offer) },
    },
    {
      authorisation: operatorAuthorisation('publish', offer.repository),
      archive,
      force: 'unforced',
      offer: 'required',
      actor,
      ...(provenance && { provenance }),
      ...(offer.createdAt && { createdAt: offer.createdAt }),
    },
    { reading, effect: 'import' },
  ).catch(async (error: unknown) => {
    throw await signatureAlarm(deps, storing, error)
  })
  return outcome === 'created' ? 'stored' : 'unchanged'
}

/**
 * Of the archive. A classic index may give the manifest's digest with an `oci://` URL; those bytes have been checked
 * against the manifest (`UpstreamPackages`).
 */
function expectedDigest({ urls: [first = ''], digest }: Offer): Digest | undefined {
  return first.startsWith('oci:') ? undefined : digest
}

/** Filters and approval were about this name and version, and not about what else may come under its URL. */
function requireOffered(chart: ChartArchive, { name, version }: Offer): ChartArchive {
  const { metadata } = chart
  if (metadata.name === name && metadata.version === version) return chart
  throw upstreamInvalid(`the archive is of ${quoted(metadata.name)} ${quoted(metadata.version)}`)
}

/** Where nobody checks signatures, a file that is damaged or about other bytes is left out: it proves nothing. */
async function usableProvenance(
  { log }: StoreDeps,
  { upstream, offer, archive, provenance }: Storing,
): Promise<Buffer | undefined> {
  if (provenance === undefined || upstream.settings.verify !== 'off') return provenance
  const { filename, repository } = offer
  try {
    await verifyProvenance({ provenance, filename, digest: archive.digest, trusted: Keyring.empty() })
    return provenance
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    log.warn(
      { repository, upstream: upstream.name, filename, reason: error.message },
      "an upstream's provenance file is left out",
    )
    return undefined
  }
}

/** What a publish says of a provenance file that is not what it should be; the archive's digest is right by then. */
const SIGNATURE_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'digest-mismatch',
  'provenance-invalid',
  'signature-bad',
  'signer-unknown',
])

async function signatureAlarm(deps: StoreDeps, storing: Storing, error: unknown): Promise<unknown> {
  if (!(error instanceof AppError) || !SIGNATURE_FAILURES.has(error.code)) return error
  return alarm(deps, storing, { kind: 'signature', reason: error.message })
}

async function alarm(
  deps: StoreDeps,
  { upstream, offer, actor }: Storing,
  { kind, reason, digest }: { readonly kind: AlarmKind; readonly reason: string; readonly digest?: Digest },
): Promise<AppError> {
  await raiseAlarm(deps, offer, { kind, upstream: upstream.name, digest, reason }, actor)
  return upstreamInvalid(reason)
}
