import { type X509Certificate } from 'node:crypto'

/** A configured CA: a name for grants to use, and its certificates (several while one replaces another). */
export interface TrustAnchor {
  readonly name: string
  readonly certificates: readonly X509Certificate[]
}

/** The way from a leaf to its trust anchor. */
export interface AnchorMatch {
  readonly anchor: TrustAnchor
  /** The CA that has signed the leaf itself; absent where Node does not show it. */
  readonly issuer?: X509Certificate
}

/** OpenSSL's default limit is 100; real chains have three or four. */
const LONGEST_CHAIN = 10

/**
 * The trust anchor that a certificate chains to: by signature and not by name, because two CAs may bear the same name.
 * Intermediates are found in the anchors' own files, and among those that the peer sent where Node shows them: some
 * releases do not (nodejs/node#65579).
 */
export function findAnchor(leaf: X509Certificate, anchors: readonly TrustAnchor[]): AnchorMatch | undefined {
  let issuer: X509Certificate | undefined
  let certificate: X509Certificate | undefined = leaf
  for (let depth = 0; certificate !== undefined && depth < LONGEST_CHAIN; depth += 1) {
    const match = findIssuer(certificate, anchors)
    if (match !== undefined) return { anchor: match.anchor, issuer: issuer ?? match.issuer }
    const next: X509Certificate | undefined = shownIssuer(certificate)
    issuer ??= next
    certificate = next
  }
  return undefined
}

/**
 * The only trust anchor there is, for a leaf whose intermediates cannot be seen: TLS has verified the chain, and it can
 * lead nowhere else. To be asked only where the handshake was made with these anchors; between several, nobody can tell.
 */
export function inferAnchor(leaf: X509Certificate, anchors: readonly TrustAnchor[]): AnchorMatch | undefined {
  const [anchor] = anchors
  const isHidden = leaf.issuerCertificate === undefined
  return anchor !== undefined && anchors.length === 1 && isHidden ? { anchor } : undefined
}

function findIssuer(
  certificate: X509Certificate,
  anchors: readonly TrustAnchor[],
): Required<AnchorMatch> | undefined {
  for (const anchor of anchors) {
    const issuer = anchor.certificates.find((candidate) => isIssuedBy(certificate, candidate))
    if (issuer !== undefined) return { anchor, issuer }
  }
  return undefined
}

function shownIssuer(certificate: X509Certificate): X509Certificate | undefined {
  const issuer = certificate.issuerCertificate
  return issuer !== undefined && issuer !== certificate && isIssuedBy(certificate, issuer)
    ? issuer
    : undefined
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
