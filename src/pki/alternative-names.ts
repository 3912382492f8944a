import { isIP } from 'node:net'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type JsonGeneralName } from './x509.ts'

/** The entries of a subjectAltName (RFC 5280, section 4.2.1.6). Each function throws `request-invalid`. */

/** One label of a host name (RFC 1123, section 2.1), in lower case so that equal names are equal texts. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST = new RegExp(`^(?:${LABEL}\\.)*${LABEL}$`)

/** RFC 1035, section 2.3.4, without the root's dot. */
const LONGEST_HOST = 253

/** A name or address under which a server is reached; `*.` may stand for the first label (RFC 6125, section 6.4.3). */
export function serverName(text: string): JsonGeneralName {
  if (isIP(text) !== 0) return { type: 'ip', value: canonicalAddress(text) }
  return dnsName(text.replace(/^\*\./, ''), text)
}

/** A client's DNS name: no wildcard, for it names one client. */
export function clientDnsName(text: string): JsonGeneralName {
  return dnsName(text, text)
}

/** One address of printable ASCII; RFC 5280 has other alphabets in another kind of name, which TLS stacks do not read. */
export function emailName(text: string): JsonGeneralName {
  const [, domain = ''] = /^[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@(.+)$/.exec(text) ?? []
  if (!isHost(domain.toLowerCase())) throw notA('an e-mail address', text, 'user@host.example')
  return { type: 'email', value: text }
}

/** An absolute URI; with the scheme `spiffe`, a SPIFFE ID. */
export function uriName(text: string): JsonGeneralName {
  if (/^spiffe:/i.test(text)) return { type: 'url', value: spiffeId(text) }
  if (!ABSOLUTE_URI.test(text) || !URL.canParse(text)) {
    throw notA('an absolute URI', text, 'https://host.example/name')
  }
  return { type: 'url', value: text }
}

/** RFC 3986, sections 2.2, 2.3 and 4.3: a scheme, and the characters that a URI may have. */
const ABSOLUTE_URI = /^[a-z][a-z0-9+.-]*:[\w.~:/?#[\]@!$&'()*+,;=%-]{1,2000}$/i

/** SPIFFE-ID, section 2: no port, user, query or fragment; sections 2.1 and 2.2: the characters; 2.3: the length. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[a-zA-Z0-9._-]+)+$/
const LONGEST_SPIFFE_ID = 2048

/** With a path: without one it is the trust domain itself, which no workload has (X509-SVID, section 3.1). */
function spiffeId(text: string): string {
  if (text.length > LONGEST_SPIFFE_ID || !SPIFFE_ID.test(text)) {
    throw notA('a SPIFFE ID of a workload', text, 'spiffe://trust.domain/path')
  }
  return text
}

function dnsName(host: string, value: string): JsonGeneralName {
  // A last label of digits is an address, or one mistyped (WHATWG URL, "ends in a number"), and never a DNS name.
  if (!isHost(host) || /(?:^|\.)[0-9]+$/.test(host)) {
    throw notA('a host name in lower case', value, 'charts.example')
  }
  return { type: 'dns', value }
}

function isHost(text: string): boolean {
  return text.length <= LONGEST_HOST && HOST.test(text)
}

/** The form without an embedded dotted IPv4 part, which the library cannot encode. A zone (`%eth0`) has no encoding. */
function canonicalAddress(text: string): string {
  if (text.includes('%')) throw notA('an IP address', text, '2001:db8::1')
  return isIP(text) === 4 ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1)
}

function notA(what: string, text: string, example: string): AppError {
  return new AppError('request-invalid', `not ${what}: ${quoted(text)} (expected for example "${example}")`)
}
