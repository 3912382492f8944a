import { AppError } from '../../errors.ts'
import { attachProvenance, subjectOf } from '../../repository/attach-provenance.ts'
import { admitPublish, publish, type PublishDeps } from '../../repository/publish.ts'
import { type Exchange, type Handler } from '../exchange.ts'
import { jsonReply, type Reply } from '../reply.ts'
import { isMultipart, receiveForm, receiveRaw, type Upload, type UploadDeps } from '../upload.ts'
import { worded } from '../worded.ts'
import { forceOf } from './force.ts'
import { uploadWords } from './upload-words.ts'

export type PostChartDeps = PublishDeps & UploadDeps

/**
 * Publishes a chart: the archive as the raw body, or a form with `chart` and, if there is one, `prov`. As in
 * ChartMuseum, a form with `prov` alone is a provenance file for a chart that is there already.
 */
export function postChart(deps: PostChartDeps): Handler<'publish'> {
  return worded(uploadWords, async (exchange) => {
    await admitPublish(deps, exchange.authorisation)
    const receive = isMultipart(exchange.request) ? receiveForm : receiveRaw
    return receive(deps, exchange, (upload) => store(deps, exchange, upload))
  })
}

async function store(deps: PostChartDeps, exchange: Exchange<'publish'>, upload: Upload): Promise<Reply> {
  const { archive, provenance } = upload
  const request = {
    authorisation: exchange.authorisation,
    force: forceOf(exchange.query),
    actor: exchange.actor,
  }
  if (archive !== undefined) {
    const { outcome, version } = await publish(deps, {
      ...request,
      archive,
      ...(provenance && { provenance }),
    })
    return jsonReply(201, { saved: true, outcome, digest: version.digest })
  }
  if (provenance === undefined) {
    const { chartField, provField } = deps.uploads()
    throw new AppError(
      'request-invalid',
      `no package or provenance file found in form fields ${chartField} and ${provField}`,
    )
  }
  const id = subjectOf(exchange.authorisation, provenance)
  const { outcome, version } = await attachProvenance(deps, { ...request, id, provenance })
  return jsonReply(201, { saved: true, outcome, digest: version.digest })
}
