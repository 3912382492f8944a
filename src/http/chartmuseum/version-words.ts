import { asciiOnly } from '../../text.ts'
import { param, type VerifiedExchange } from '../exchange.ts'
import { type Words } from '../worded.ts'

/** Helm's `IndexFile.Get`, in ChartMuseum's replies. */
export function versionWords({ params }: VerifiedExchange): Words {
  const wanted = asciiOnly(`${param(params, 'name')}-${param(params, 'version')}`)
  return { 'chart-unknown': `no chart version found for ${wanted}` }
}
