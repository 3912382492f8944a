import { z } from 'zod'
import { parseChartName } from '../../chart/name.ts'
import { parseRepositoryName } from '../../chart/repository-name.ts'
import { parseChartVersion } from '../../chart/version.ts'
import { AppError } from '../../errors.ts'
import { type Policy } from '../../policy/policy.ts'
import { promote, type PromoteDeps } from '../../repository/promote.ts'
import { admitPublish } from '../../repository/publish.ts'
import { type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { receiveSmall } from '../upload.ts'
import { forceOf } from './force.ts'

export interface PostPromotionDeps extends PromoteDeps {
  readonly policyInForce: () => Policy
  readonly virtual: VirtualRepositories
}

/** Three names, the longest of which has some hundred characters. */
const MOST_BODY_BYTES = 4096

const promotion = z.strictObject({ from: z.string(), name: z.string(), version: z.string() })

/** Publishes a version of another repository, which the caller must be allowed to read, in this one. */
export function postPromotion(deps: PostPromotionDeps): Handler<'publish'> {
  return async (exchange) => {
    const { authorisation, identity, actor, query } = exchange
    await admitPublish(deps, authorisation)
    const { from, name: text, version } = parsePromotion(await receiveSmall(exchange, MOST_BODY_BYTES))
    const source = deps
      .policyInForce()
      .authorise(identity, 'read', parseRepositoryName(from === '/' ? '' : from))
    const name = parseChartName(text)
    const promoted = await promote(deps, {
      authorisation,
      source: await deps.virtual.holderOf(source, name),
      name,
      version: parseChartVersion(version),
      force: forceOf(query),
      actor,
    })
    return jsonReply(201, { saved: true, outcome: promoted.outcome, digest: promoted.version.digest })
  }
}

function parsePromotion(body: Buffer): z.infer<typeof promotion> {
  try {
    return promotion.parse(JSON.parse(body.toString()))
  } catch (cause) {
    throw new AppError(
      'request-invalid',
      'the body is not a JSON object with the texts "from", "name" and "version", and nothing else',
      { cause },
    )
  }
}
