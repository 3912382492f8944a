import { z } from 'zod'
import { parseChartName } from '../../chart/name.ts'
import { parseChartVersion } from '../../chart/version.ts'
import { AppError } from '../../errors.ts'
import { type Decide, type DecideDeps } from '../../mirror/decide.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { receiveSmall } from '../upload.ts'

/** Some hundred versions. */
const MOST_BODY_BYTES = 16 * 1024

const decision = z.strictObject({ chart: z.string(), versions: z.array(z.string()).default([]) })

/** Lets through, or keeps out, versions that an upstream offers. */
export function postUpstreamsDecision(deps: DecideDeps, decide: Decide): Handler<'admin'> {
  return async (exchange) => {
    const { chart, versions } = parseDecision(await receiveSmall(exchange, MOST_BODY_BYTES))
    const decided = { chart: parseChartName(chart), versions: versions.map(parseChartVersion) }
    const changed = await decide(deps, exchange.authorisation, decided, exchange.actor)
    return jsonReply(200, { chart: decided.chart, versions: changed.map(({ version }) => version) })
  }
}

function parseDecision(body: Buffer): z.infer<typeof decision> {
  try {
    return decision.parse(JSON.parse(body.toString()))
  } catch (cause) {
    throw new AppError(
      'request-invalid',
      'the body is not a JSON object with the text "chart" and the list "versions", and nothing else',
      { cause },
    )
  }
}
