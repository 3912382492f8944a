import { type Offer, type OfferDifference } from '../catalog/offers.ts'
import { type Digest } from '../chart/digest.ts'
import { pausing } from '../ops/turn.ts'
import { judgeOffer, type JudgeRules } from './judge-offer.ts'
import { type UpstreamEntry } from './upstream-entry.ts'

export interface ChartDifferences {
  readonly differences: readonly OfferDifference[]
  /** What this upstream had before and has no more. */
  readonly vanished: readonly Offer[]
}

export interface DifferenceRules extends JudgeRules {
  readonly upstream: string
}

/**
 * What is to be recorded, so that a chart's offers are what the upstream that has its name says now. `known` is all that
 * has ever been known of the chart, from whatever upstream.
 */
export async function chartDifferences(
  known: readonly Offer[],
  entries: readonly UpstreamEntry[],
  rules: DifferenceRules,
): Promise<ChartDifferences> {
  const pause = pausing()
  const knownBy = new Map<string, Offer>(known.map((offer) => [offer.version, offer]))
  const differences: OfferDifference[] = []
  for (const entry of entries) {
    const difference = differenceOf(entry, knownBy.get(entry.version), rules)
    if (difference !== undefined) differences.push(difference)
    knownBy.delete(entry.version)
    await pause()
  }
  const missing = [...knownBy.values()].filter(({ goneAt }) => goneAt === undefined)
  return {
    differences: [...differences, ...missing.map((id) => ({ kind: 'gone' as const, id: idOf(id) }))],
    vanished: missing.filter(({ upstream }) => upstream === rules.upstream),
  }
}

function differenceOf(
  entry: UpstreamEntry,
  known: Offer | undefined,
  rules: DifferenceRules,
): OfferDifference | undefined {
  if (known === undefined) return offered(entry, undefined, rules)
  const isOurs = known.upstream === rules.upstream || isSameDigest(known, entry)
  if (!isOurs && known.stored === 'no') return offered(entry, undefined, rules)
  const expected = known.digest ?? storedDigestFor(entry, known)
  if (expected !== undefined && entry.digest !== undefined && entry.digest !== expected) {
    return otherDigest(known, { expected, found: entry.digest }, rules)
  }
  const described = describedAs(entry, known)
  return isAsBefore(described, known, rules) ? undefined : offered(described, known, rules)
}

function offered(entry: UpstreamEntry, known: Offer | undefined, rules: DifferenceRules): OfferDifference {
  return { kind: 'offered', entry, judgement: judgeOffer(entry, known, rules), isNew: known === undefined }
}

function otherDigest(
  known: Offer,
  { expected, found }: { readonly expected: Digest; readonly found: Digest },
  { upstream }: DifferenceRules,
): OfferDifference | undefined {
  const isNoted = known.other?.digest === found && known.goneAt === undefined && known.upstream === upstream
  if (isNoted) return undefined
  const reason = `its index says sha256:${found} now, and said sha256:${expected} before`
  return { kind: 'other-digest', id: idOf(known), digest: found, reason }
}

/** The upstream's digest is the stored archive's, unless it may be a manifest's (`UpstreamPackages.openArchive`). */
function storedDigestFor({ urls: [first = ''] }: UpstreamEntry, { storedDigest }: Offer): Digest | undefined {
  return first.startsWith('oci:') ? undefined : storedDigest
}

/** A digest that was known is not forgotten because the index has left it out. */
function describedAs(entry: UpstreamEntry, { digest, fragment }: Offer): UpstreamEntry {
  return entry.digest === undefined && digest !== undefined ? { ...entry, digest, fragment } : entry
}

function isSameDigest(known: Offer, { digest }: UpstreamEntry): boolean {
  return digest !== undefined && digest === known.digest
}

function isAsBefore(entry: UpstreamEntry, known: Offer, rules: DifferenceRules): boolean {
  return (
    known.upstream === rules.upstream &&
    known.goneAt === undefined &&
    known.other === undefined &&
    known.digest === entry.digest &&
    known.fragment === entry.fragment &&
    known.createdAt?.getTime() === entry.createdAt?.getTime() &&
    known.urls.join(' ') === entry.urls.join(' ') &&
    isJudgedAsBefore(entry, known, rules)
  )
}

function isJudgedAsBefore(entry: UpstreamEntry, known: Offer, rules: DifferenceRules): boolean {
  if (known.state !== 'held') return true
  const { state, heldUntil } = judgeOffer(entry, known, rules)
  return state === 'held' && heldUntil?.getTime() === known.heldUntil?.getTime()
}

function idOf({ name, version }: Offer): Pick<Offer, 'name' | 'version'> {
  return { name, version }
}
