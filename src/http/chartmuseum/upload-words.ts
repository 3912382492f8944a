import { type VerifiedExchange } from '../exchange.ts'
import { isMultipart } from '../upload.ts'
import { type Words } from '../worded.ts'

/** What ChartMuseum says of an upload that it refuses. */
export function uploadWords({ request }: VerifiedExchange): Words {
  const badProvenance = 'invalid provenance file'
  return {
    'chart-exists': isMultipart(request) ? 'chart already exists' : 'file already exists',
    'provenance-invalid': badProvenance,
    'digest-mismatch': badProvenance,
    'signature-bad': badProvenance,
    'too-large': 'request too large',
    'quota-exceeded': 'repo has reached storage limit',
  }
}
