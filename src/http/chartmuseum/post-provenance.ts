import { MOST_PROVENANCE_BYTES } from '../../provenance/message.ts'
import { requireUploads } from '../../repository/admission.ts'
import { attachProvenance, subjectOf, type AttachDeps } from '../../repository/attach-provenance.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { receiveSmall } from '../upload.ts'
import { worded } from '../worded.ts'
import { forceOf } from './force.ts'
import { uploadWords } from './upload-words.ts'

/** A provenance file, as the raw body, for a chart that is there already. */
export function postProvenance(deps: AttachDeps): Handler<'publish'> {
  return worded(uploadWords, async (exchange) => {
    const { authorisation, actor, query } = exchange
    requireUploads(deps.settingsOf, authorisation.repository)
    const provenance = await receiveSmall(exchange, MOST_PROVENANCE_BYTES)
    const id = subjectOf(authorisation, provenance)
    const force = forceOf(query)
    const { outcome, version } = await attachProvenance(deps, { authorisation, id, provenance, force, actor })
    return jsonReply(201, { saved: true, outcome, digest: version.digest })
  })
}
