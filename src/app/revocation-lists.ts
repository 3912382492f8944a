import { readFile } from 'node:fs/promises'
import { type ClientCa } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { type TrustAnchor } from '../http/trust-anchor.ts'
import { type Expiry } from '../ops/expiry-watch.ts'
import { parseCrls, type Crl } from '../pki/crl.ts'
import { subjectKeyDigest } from '../pki/pem.ts'

/** A certificate, as far as a CRL can know it. */
export interface RevocationQuery {
  readonly anchor: string
  /** Of the CA that issued it; `undefined` where that cannot be seen. */
  readonly issuerKey: string | undefined
  readonly serial: string
}

interface AnchorLists {
  readonly byIssuer: ReadonlyMap<string, Crl>
  readonly stale: ClientCa['staleCrl']
}

/**
 * The CRLs in force, each under the CA that has signed it: issuer and serial number together name a certificate (RFC
 * 5280, section 5.3). An anchor without a configured CRL is not checked here; one with, closes when the issuer's list
 * is missing or out of date.
 */
export class RevocationLists {
  readonly #anchors: ReadonlyMap<string, AnchorLists>

  private constructor(anchors: ReadonlyMap<string, AnchorLists>) {
    this.#anchors = anchors
  }

  /** Throws `key-unusable`, naming the file, for one that cannot be read or that no CA of its anchor has signed. */
  static async read(sources: readonly ClientCa[], anchors: readonly TrustAnchor[]): Promise<RevocationLists> {
    const lists = new Map<string, AnchorLists>()
    for (const { name, crl, staleCrl } of sources) {
      if (crl === undefined) continue
      const issuers = anchors.find((anchor) => anchor.name === name)?.certificates ?? []
      lists.set(name, { byIssuer: await readFileOfCrls(crl, issuers), stale: staleCrl })
    }
    return new RevocationLists(lists)
  }

  stateOf(
    { anchor, issuerKey, serial }: RevocationQuery,
    now: Date,
  ): 'good' | 'unknown' | { readonly revokedAt: Date } {
    const lists = this.#anchors.get(anchor)
    if (lists === undefined) return 'good'
    const crl = issuerKey === undefined ? undefined : lists.byIssuer.get(issuerKey)
    // Also from a list that is out of date: nothing that was revoked becomes good by waiting.
    const revocation = crl?.revoked.get(serial)
    if (revocation !== undefined) return { revokedAt: revocation.at }
    const isCurrent = crl !== undefined && now <= endOf(crl)
    return isCurrent || lists.stale === 'accept' ? 'good' : 'unknown'
  }

  /** When each anchor's first list goes out of date. */
  get expiries(): readonly Expiry[] {
    return [...this.#anchors].map(([name, { byIssuer }]) => ({
      what: `revocation list ${name}`,
      at: earliest([...byIssuer.values()].map(endOf)),
    }))
  }
}

/** A list without an end, which RFC 5280 does not allow, has none for OpenSSL. */
const NEVER = new Date(8.64e15)

function endOf({ nextUpdate }: Crl): Date {
  return nextUpdate ?? NEVER
}

function earliest(dates: readonly Date[]): Date {
  return new Date(Math.min(NEVER.getTime(), ...dates.map((date) => date.getTime())))
}

async function readFileOfCrls(
  file: string,
  issuers: TrustAnchor['certificates'],
): Promise<ReadonlyMap<string, Crl>> {
  const crls = await parseFile(file)
  const byIssuer = new Map<string, Crl>()
  for (const crl of crls) {
    const issuer = issuers.find((certificate) => crl.verifiedBy(certificate))
    if (issuer === undefined) {
      throw new AppError('key-unusable', `${file}: holds a CRL that no CA of its trust anchor has signed`)
    }
    const key = subjectKeyDigest(issuer)
    const other = byIssuer.get(key)
    if (other === undefined || other.thisUpdate < crl.thisUpdate) byIssuer.set(key, crl)
  }
  return byIssuer
}

async function parseFile(file: string): Promise<readonly Crl[]> {
  try {
    return parseCrls(await readFile(file))
  } catch (error) {
    const why = error instanceof AppError ? error.message : 'cannot be read'
    throw new AppError('key-unusable', `${file}: ${why}`, { cause: error })
  }
}
