import { dump } from 'js-yaml'
import { AppError } from '../errors.ts'
import { type PemPair } from '../pki/certificate-authority.ts'
import { quoted } from '../text.ts'

export interface SecretRequest extends PemPair {
  readonly caPem: string
  readonly name: string
  /** Absent, `kubectl apply` takes the one of its context. */
  readonly namespace?: string
}

/**
 * A Secret of the type `kubernetes.io/tls` with the CA beside the pair, as cert-manager writes them and Flux reads them
 * (`certSecretRef`). Throws `request-invalid` for a name that Kubernetes would refuse.
 */
export function renderTlsSecret({ name, namespace, certificatePem, keyPem, caPem }: SecretRequest): string {
  requireName('Secret', name, SUBDOMAIN)
  if (namespace !== undefined) requireName('namespace', namespace, LABEL)
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    data: { 'ca.crt': base64(caPem), 'tls.crt': base64(certificatePem), 'tls.key': base64(keyPem) },
  }
  // kubectl reads YAML 1.1, where a name such as y is a boolean.
  return dump(secret, { forceQuotes: true }).trimEnd()
}

/** "Object Names and IDs" of the Kubernetes documentation: RFC 1123 subdomains and labels. */
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const LABEL = /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

function requireName(what: string, name: string, pattern: RegExp): void {
  if (pattern.test(name)) return
  const hint = what === 'Secret' ? '; give one with --secret-name' : ''
  throw new AppError('request-invalid', `Kubernetes does not take ${quoted(name)} as a ${what}'s name${hint}`)
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
