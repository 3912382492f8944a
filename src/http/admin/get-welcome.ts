import { type VerifiedHandler } from '../exchange.ts'
import { textReply } from '../reply.ts'

export interface GetWelcomeDeps {
  readonly version: string
  readonly contextPath: string
}

/** What a browser with a client certificate sees; ChartMuseum has a page there too, which some use as a probe. */
export function getWelcome(deps: GetWelcomeDeps): VerifiedHandler {
  return () =>
    Promise.resolve(
      textReply(200, renderPage(deps), { headers: { 'content-type': 'text/html; charset=utf-8' } }),
    )
}

const LINKS: readonly (readonly [path: string, what: string])[] = [
  ['/index.yaml', 'the index of the root repository'],
  ['/api/charts', 'its charts'],
  ['/api/repositories', 'the repositories that you may read'],
  ['/api/whoami', 'who you are here, and what you may do'],
  ['/keys/provenance.asc', 'the public keys that verify its charts'],
]

/** Nothing in it is chosen by a caller. */
function renderPage({ version, contextPath }: GetWelcomeDeps): string {
  const items = LINKS.map(([path, what]) => `<li><a href="${contextPath}${path}">${path}</a>: ${what}</li>`)
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Chartroom</title></head>
<body>
<h1>Chartroom</h1>
<p>This is a Helm chart repository, version ${version}, and your certificate is known here.</p>
<ul>
${items.join('\n')}
</ul>
</body>
</html>
`
}
