import { buffer } from 'node:stream/consumers'
import { upstreamInvalid } from '../upstream-error.ts'
import { type OciRepository } from './reference.ts'
import { type Registry } from './registry.ts'

const PAGE_TAGS = 1000
/** Limits of ours; the largest repositories of charts have some thousand tags. */
const MOST_PAGES = 100
const MOST_PAGE_BYTES = 4 * 1024 * 1024

/** Every tag, page by page (distribution specification, "Listing Tags"). `undefined` where there is no such repository. */
export async function listTags(
  registry: Registry,
  repository: OciRepository,
  signal?: AbortSignal,
): Promise<readonly string[] | undefined> {
  const tags: string[] = []
  let query = `?n=${PAGE_TAGS}`
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await registry.read(repository, `tags/list${query}`, { maxBytes: MOST_PAGE_BYTES, signal })
    if (answer === undefined) return page === 0 ? undefined : tags
    tags.push(...parseTags((await buffer(answer.body)).toString(), repository))
    const next = nextQuery(answer.headers['link'])
    if (next === undefined) return tags
    query = next
  }
  throw upstreamInvalid(`${repository.path} has more than ${MOST_PAGES} pages of tags`)
}

function parseTags(text: string, { path }: OciRepository): readonly string[] {
  try {
    const { tags } = JSON.parse(text) as { readonly tags?: unknown }
    if (tags === null || tags === undefined) return []
    if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  } catch (error) {
    throw upstreamInvalid(`the tags of ${path} are no JSON`, error)
  }
  throw upstreamInvalid(`the tags of ${path} are no list`)
}

/** Of `Link: </v2/…/tags/list?last=…&n=…>; rel="next"` only the query counts: the place stays the same. */
function nextQuery(link: string | readonly string[] | undefined): string | undefined {
  const header = typeof link === 'string' ? link : link?.[0]
  const [, target = ''] = /^<([^>]*)>\s*;\s*rel="?next"?/.exec(header ?? '') ?? []
  const start = target.indexOf('?')
  return start < 0 ? undefined : target.slice(start)
}
