import { type X509Certificate } from 'node:crypto'

/** A configured CA: a name for grants to use, and its certificates (several while one replaces another). */
export interface TrustAnchor {
  readonly name: string
  readonly certificates: readonly X509Certificate[]
}

/** OpenSSL's default limit is 100; real chains have three or four. */
const LONGEST_CHAIN = 10

/**
 * The trust anchor that a certificate, already verified by TLS, chains to: by signature and not by name, because two
 * CAs may bear the same name. Intermediates are found in the anchors' own files, and among those that the peer sent
 * where Node shows them: some releases do not (nodejs/node#65579). Then a single anchor can only be the one that TLS
 * has verified the chain to; between several nobody could tell, and `undefined` refuses the peer.
 */
export function findAnchor(leaf: X509Certificate, anchors: readonly TrustAnchor[]): TrustAnchor | undefined {
  const [onlyAnchor] = anchors.length === 1 ? anchors : []
  return walkToAnchor(leaf, anchors) ?? (leaf.issuerCertificate === undefined ? onlyAnchor : undefined)
}

function walkToAnchor(leaf: X509Certificate, anchors: readonly TrustAnchor[]): TrustAnchor | undefined {
  let certificate: X509Certificate | undefined = leaf
  for (let depth = 0; certificate !== undefined && depth < LONGEST_CHAIN; depth += 1) {
    const current: X509Certificate = certificate
    const anchor = anchors.find(({ certificates }) =>
      certificates.some((issuer) => isIssuedBy(current, issuer)),
    )
    if (anchor !== undefined) return anchor
    const issuer: X509Certificate | undefined = current.issuerCertificate
    certificate =
      issuer !== undefined && issuer !== current && isIssuedBy(current, issuer) ? issuer : undefined
  }
  return undefined
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
