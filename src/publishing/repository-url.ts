import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

/** A repository's URL as `helm repo add` takes it, without slashes at its end. Throws `request-invalid`. */
export function parseRepositoryUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:') {
    throw new AppError(
      'request-invalid',
      `${quoted(text)} is no URL of a repository: it begins with https://`,
    )
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new AppError(
      'request-invalid',
      'a repository URL has no user, query or fragment: the client certificate says who you are',
    )
  }
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

/** The path of a URL from `parseRepositoryUrl`, `''` for the server's root. */
export function pathOf({ pathname }: URL): string {
  return pathname === '/' ? '' : pathname
}

/**
 * Where a chart for the repository is posted to: `<context path>/api/<repository>/charts`, as `helm cm-push` builds it.
 * Throws `request-invalid` where the repository is not below the context path.
 */
export function uploadUrl(repository: URL, contextPath: string, force: 'forced' | 'unforced'): URL {
  const context = contextPath.replace(/^\/*(.*?)\/*$/, (_match, path: string) => path && `/${path}`)
  const path = pathOf(repository)
  if (path !== context && !path.startsWith(`${context}/`)) {
    throw new AppError(
      'request-invalid',
      `${repository.href} is not below the context path ${quoted(context)}; --context-path says which one it is`,
    )
  }
  const url = new URL(repository)
  url.pathname = `${context}/api${path.slice(context.length)}/charts`
  url.search = force === 'forced' ? '?force' : ''
  return url
}
