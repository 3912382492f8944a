import { type ErrorCode } from '../errors.ts'

/** Adding an ErrorCode without deciding its status does not compile. */
export const STATUS = {
  'blob-missing': 500,
  'chart-exists': 409,
  'chart-invalid': 400,
  'chart-unknown': 404,
  'config-invalid': 500,
  'digest-mismatch': 400,
  'key-unusable': 500,
  'method-unknown': 405,
  'not-allowed': 403,
  'peer-refused': 403,
  'provenance-invalid': 400,
  'provenance-required': 403,
  'provenance-unknown': 404,
  'quota-exceeded': 507,
  'read-only': 403,
  'repository-unknown': 404,
  'request-aborted': 400,
  'request-invalid': 400,
  'route-unknown': 404,
  'signature-bad': 400,
  'signer-unknown': 403,
  'storage-full': 507,
  'too-large': 413,
  unavailable: 503,
} as const satisfies Record<ErrorCode, number>
