import { type X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import { type Identity, type IdentityKind } from './identity.ts'

/**
 * Who the peer is, from a certificate that the TLS layer has already verified and the name of the trust anchor that it
 * chains to. Which name counts: one SPIFFE URI (the SPIFFE X.509-SVID standard allows one URI SAN only), else the
 * first e-mail address, else the first DNS name, else the subject's common name. Throws `peer-refused` when there is
 * none, or when there are several URIs to choose from.
 */
export function identityFrom(certificate: X509Certificate, anchor: string): Identity {
  const subject = subjectOf(certificate)
  const altNames = altNamesOf(certificate)
  const names = {
    commonNames: subject('CN'),
    uris: altNames.filter(({ kind }) => kind === 'URI').map(({ value }) => value),
    emails: altNames.filter(({ kind }) => kind === 'email').map(({ value }) => value),
    dnsNames: altNames.filter(({ kind }) => kind === 'DNS').map(({ value }) => value),
  }
  return {
    anchor,
    ...principalName(names),
    ...names,
    organizations: subject('O'),
    organizationalUnits: subject('OU'),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    serial: certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  }
}

type Names = Pick<Identity, 'commonNames' | 'uris' | 'emails' | 'dnsNames'>

function principalName(names: Names): { readonly kind: IdentityKind; readonly value: string } {
  if (names.uris.length > 1) {
    throw new AppError('peer-refused', 'your client certificate has several URI names, so it names nobody')
  }
  const [uri] = names.uris
  if (uri?.startsWith('spiffe://') === true) return { kind: 'spiffe', value: uri }
  const [email] = names.emails
  if (email !== undefined) return { kind: 'email', value: email }
  const [dnsName] = names.dnsNames
  if (dnsName !== undefined) return { kind: 'dns', value: dnsName }
  const [commonName] = names.commonNames
  if (commonName !== undefined && commonName !== '') return { kind: 'cn', value: commonName }
  throw new AppError('peer-refused', 'your client certificate names nobody: it has no SAN and no common name')
}

/** The legacy object holds each value as it is; the `subject` string would have to be unescaped. */
function subjectOf(certificate: X509Certificate): (attribute: string) => readonly string[] {
  // Node types the attributes as single strings, and makes an array of those that occur more than once.
  const subject = certificate.toLegacyObject().subject as unknown as Record<
    string,
    string | string[] | undefined
  >
  return (attribute) => [subject[attribute] ?? []].flat()
}

interface AltName {
  readonly kind: string
  readonly value: string
}

/**
 * Node writes `DNS:a.example, URI:"spiffe://a/b, c"`: a value with a comma, quote or backslash in it is a JSON string
 * (nodejs.org/api/crypto.html, `x509.subjectAltName`), so a name cannot pretend to be two.
 */
const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y

function altNamesOf(certificate: X509Certificate): readonly AltName[] {
  const text = certificate.subjectAltName ?? ''
  const names: AltName[] = []
  const expression = new RegExp(ALT_NAME)
  while (expression.lastIndex < text.length) {
    const [, kind, value] = expression.exec(text) ?? []
    if (kind === undefined || value === undefined) {
      throw new AppError(
        'peer-refused',
        'your client certificate has a subject alternative name that cannot be read',
      )
    }
    names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value })
  }
  return names
}
