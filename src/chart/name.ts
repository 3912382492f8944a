import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

declare const brand: unique symbol

/** A chart's name: `[a-z0-9]+([._-][a-z0-9]+)*`, at most 250 characters. Safe in a path and in a URL. */
export type ChartName = string & { readonly [brand]: 'ChartName' }

/** Helm's best-practice names, with dots and underscores as OCI repositories allow them. */
const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
const LONGEST_NAME = 250

/** Throws `chart-invalid`. */
export function parseChartName(text: string): ChartName {
  if (text.length > LONGEST_NAME || !NAME.test(text)) {
    throw new AppError(
      'chart-invalid',
      `not a chart name: ${quoted(text)} (lower-case letters and digits, joined by single . _ or -)`,
    )
  }
  return text as ChartName
}
