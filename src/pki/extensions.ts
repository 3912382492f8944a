import {
  BasicConstraintsExtension,
  type Extension,
  type ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
} from './x509.ts'

/** What each kind of certificate says of its use, as RFC 5280 wants it for `openssl verify -x509_strict`. */

const CRITICAL = true

/** Signs leaves and CRLs, and no other CA. */
export function caExtensions(): readonly Extension[] {
  return [
    new BasicConstraintsExtension(true, 0, CRITICAL),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, CRITICAL),
  ]
}

/** `digitalSignature` is all that TLS asks of an ECDSA key (RFC 8446, section 4.4.2.2). */
export function leafExtensions(
  usage: ExtendedKeyUsage,
  altNames: readonly JsonGeneralName[],
): readonly Extension[] {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, CRITICAL),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, CRITICAL),
    new ExtendedKeyUsageExtension([usage]),
  ]
  return altNames.length === 0
    ? extensions
    : [...extensions, new SubjectAlternativeNameExtension([...altNames])]
}
