import { type z } from 'zod'
import { settingsOf } from './env.ts'
import { mirrorProblems } from './mirror-problems.ts'
import { nearest } from './nearest.ts'
import { type Problem } from './problem.ts'
import { configSchema, type ConfigFile } from './schema.ts'

/** One of zod's issues; an unknown setting is told with the nearest known name. */
export function describeIssue(issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.map(String)
  if (issue.code === 'invalid_union') {
    const [meant, ...others] = issue.errors.filter(isAboutContents)
    if (meant !== undefined && others.length === 0) {
      return meant.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }))
    }
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      message: `no such setting${nearest(key, namesAt(path))}`,
    }))
  }
  return [{ path: path.join('.') || 'file', message: issue.message }]
}

/** Whether an alternative was tried and failed for what is in the value, and not for the value's kind. */
function isAboutContents(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.every(
    ({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value'),
  )
}

/** What each setting alone allows and all together forbid. */
export function contradictions(settings: ConfigFile): readonly Problem[] {
  const { tls, repositories, webhooks } = settings
  return [
    ...repeated((tls.clientCAs ?? []).map(({ name }) => name)).map((name) => ({
      path: 'tls.clientCAs',
      message: `two trust anchors are named ${name}`,
    })),
    ...repeated(repositories.map(({ name }) => patternText(name))).map((name) => ({
      path: 'repositories',
      message: `${name} is listed twice`,
    })),
    ...repeated(webhooks.map(({ url }) => new URL(url).href)).map((url) => ({
      path: 'webhooks',
      message: `${url} is listed twice`,
    })),
    ...mirrorProblems(repositories),
    ...impossibleProvenance(settings),
    ...misplacedUrl(settings),
    ...ambiguousFields(settings),
  ]
}

function patternText(name: ConfigFile['repositories'][number]['name']): string {
  return typeof name === 'string' ? name || '/' : `{ glob: ${name.glob} }`
}

/** A provenance file is demanded, by a signer who is known, and nobody is. */
function impossibleProvenance({ provenance, repositories }: ConfigFile): readonly Problem[] {
  const sections = [
    { path: 'provenance', own: {} },
    ...repositories.map(({ provenance: own = {} }, place) => ({
      path: `repositories.${place}.provenance`,
      own,
    })),
  ]
  return sections
    .map(({ path, own }) => ({ path, ...provenance, ...own }))
    .filter(
      ({ required, unknownSigner, trustedKeyring }) =>
        required && unknownSigner === 'refuse' && trustedKeyring === undefined,
    )
    .map(({ path }) => ({
      path: `${path}.trustedKeyring`,
      message: 'required: without it no signer is known, and with these settings nobody could publish',
    }))
}

/** TLS ends here, so no proxy can have changed the path that clients use. */
function misplacedUrl({ url, contextPath }: ConfigFile): readonly Problem[] {
  const path = url === undefined ? '' : new URL(url).pathname.replace(/\/+$/, '')
  if (path === '' || path === contextPath) return []
  return [{ path: 'url', message: `its path is ${path}, and contextPath is ${contextPath || 'not set'}` }]
}

function ambiguousFields({ uploads: { chartField, provField } }: ConfigFile): readonly Problem[] {
  if (chartField !== provField && chartField !== 'prov' && provField !== 'chart') return []
  const message = 'the same field cannot hold an archive and a provenance file'
  return [{ path: 'uploads.provField', message }]
}

function namesAt(path: readonly string[]): readonly string[] {
  return settingsOf(configSchema)
    .filter((setting) => path.every((part, place) => setting.path[place] === part))
    .flatMap((setting) => setting.path[path.length] ?? [])
}

function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, place) => names.indexOf(name) !== place))]
}
