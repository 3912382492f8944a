import { readFile } from 'node:fs/promises'
import { type X509Certificate } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import { readAnchors } from '../app/tls-material.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { findAnchor, type TrustAnchor } from '../http/trust-anchor.ts'
import { parseCertificates } from '../pki/pem.ts'
import { identityFrom } from '../policy/certificate-identity.ts'
import { personOf, type Person } from '../policy/explain.ts'
import { auditNameOf, type IdentityNames } from '../policy/identity.ts'
import { quoted } from '../text.ts'

/** One name of an identity, as `--identity` gives it. */
export interface GivenName {
  /** Absent: the only trust anchor. */
  readonly anchor?: string
  readonly kind: keyof typeof FIELDS
  readonly value: string
}

const FIELDS = {
  cn: 'commonNames',
  o: 'organizations',
  ou: 'organizationalUnits',
  uri: 'uris',
  spiffe: 'uris',
  email: 'emails',
  dns: 'dnsNames',
} as const satisfies Record<string, keyof IdentityNames>

const GIVEN_NAME = /^(?:([^:]+)\/)?(cn|o|ou|uri|spiffe|email|dns):(.+)$/

/** For commander, which calls it once for each `--identity`. */
export function collectNames(text: string, previous: readonly GivenName[] = []): readonly GivenName[] {
  const [, anchor, kind, value] = GIVEN_NAME.exec(text) ?? []
  if (kind === undefined || value === undefined) {
    throw new InvalidArgumentError('expected KIND:VALUE or ANCHOR/KIND:VALUE, such as built-in/cn:ci')
  }
  return [...previous, { ...(anchor !== undefined && { anchor }), kind: kind as GivenName['kind'], value }]
}

/** Somebody who has all the names, whether or not there is such a certificate. Throws `request-invalid`. */
export function personOfNames(names: readonly GivenName[], { tls }: Config): Person {
  const anchor = commonAnchor(
    names,
    tls.clientCAs.map(({ name }) => name),
  )
  const identity = { anchor, fingerprint: '', ...NO_NAMES }
  for (const { kind, value } of names) identity[FIELDS[kind]] = [...identity[FIELDS[kind]], value]
  const label = [anchor, ...names.map(({ kind, value }) => `${kind}:${quoted(value)}`)].join(' ')
  return personOf(label, identity)
}

const NO_NAMES: Record<(typeof FIELDS)[keyof typeof FIELDS], readonly string[]> = {
  commonNames: [],
  organizations: [],
  organizationalUnits: [],
  uris: [],
  emails: [],
  dnsNames: [],
}

/** Whoever bears the certificate (PEM, its intermediates behind it). Throws `key-unusable`, `peer-refused`. */
export async function personOfCertificate(file: string, { tls }: Config, now: Date): Promise<Person> {
  const certificates = parseCertificates(await readCertificateFile(file))
  const anchor = anchorOf(certificates, await readAnchors(tls.clientCAs, now))
  if (anchor === undefined) {
    const names = tls.clientCAs.map(({ name }) => name).join(', ')
    throw new AppError('key-unusable', `${file}: chains to none of the trust anchors (${names})`)
  }
  const identity = identityFrom(certificates[0], anchor.name)
  const isValid = identity.notBefore <= now && now <= identity.notAfter
  return personOf(`${auditNameOf(identity)}${isValid ? '' : ' (not valid now)'}`, identity)
}

async function readCertificateFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new AppError('key-unusable', `${file}: cannot be read`, { cause: error })
  }
}

/** The file is a leaf and the intermediates that it would send along; the rest of the chain is the anchor's own. */
function anchorOf(
  [leaf, ...intermediates]: readonly [X509Certificate, ...X509Certificate[]],
  anchors: readonly TrustAnchor[],
): TrustAnchor | undefined {
  let current: X509Certificate | undefined = leaf
  const unused = new Set(intermediates)
  while (current !== undefined) {
    const link: X509Certificate = current
    const match = findAnchor(link, anchors)
    if (match !== undefined) return match.anchor
    current = [...unused].find((issuer) => link.checkIssued(issuer) && link.verify(issuer.publicKey))
    if (current !== undefined) unused.delete(current)
  }
  return undefined
}

function commonAnchor(names: readonly GivenName[], anchors: readonly string[]): string {
  const given = new Set(names.flatMap(({ anchor }) => anchor ?? []))
  const [anchor = anchors.length === 1 ? anchors[0] : undefined, ...others] = given
  if (anchor === undefined || others.length > 0 || !anchors.includes(anchor)) {
    const list = anchors.join(', ')
    throw new AppError('request-invalid', `an identity has exactly one of the trust anchors (${list})`)
  }
  return anchor
}
