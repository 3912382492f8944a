import { type RepositoryName } from '../chart/repository-name.ts'
import { type Problem } from './problem.ts'
import { type ConfigFile } from './schema.ts'

type Entry = ConfigFile['repositories'][number]
type Mirror = NonNullable<Entry['mirror']>
type Upstream = Mirror['upstreams'][number]

/** What the settings of mirrors and virtual repositories allow one by one and forbid together. */
export function mirrorProblems(repositories: readonly Entry[]): readonly Problem[] {
  return repositories.flatMap((entry, place) => {
    const path = `repositories.${place}`
    return [...misplaced(entry, path), ...inMirror(entry, path), ...inVirtual(entry, path, repositories)]
  })
}

function misplaced({ name, mirror, virtual }: Entry, path: string): readonly Problem[] {
  const both = mirror !== undefined && virtual !== undefined
  const kind = mirror === undefined ? 'virtual' : 'mirror'
  const isPattern = typeof name !== 'string' && (mirror ?? virtual) !== undefined
  return [
    ...problemIf(both, `${path}.virtual`, 'a repository cannot be a mirror and virtual at once'),
    ...problemIf(isPattern, `${path}.${kind}`, 'it needs an entry with a name, not with a pattern'),
  ]
}

function inMirror({ mirror }: Entry, path: string): readonly Problem[] {
  if (mirror === undefined) return []
  const { mode, schedule, upstreams } = mirror
  const names = upstreams.map(({ name }) => name)
  return [
    ...problemIf(
      schedule !== undefined && mode === 'pull-through',
      `${path}.mirror.schedule`,
      'of no use with mode pull-through: a schedule is for sync or both',
    ),
    ...upstreams.flatMap((upstream, place) => [
      ...problemIf(
        names.indexOf(upstream.name) !== place,
        `${path}.mirror.upstreams.${place}.name`,
        `two upstreams are named ${upstream.name}`,
      ),
      ...inUpstream(upstream, `${path}.mirror.upstreams.${place}`),
    ]),
  ]
}

function inUpstream(upstream: Upstream, path: string): readonly Problem[] {
  const { verify, keyring, charts } = upstream
  const isRegistry = upstream.url.startsWith('oci://')
  return [
    ...transportProblems(upstream, path),
    ...credentialProblems(upstream, path),
    ...problemIf(
      charts !== undefined && !isRegistry,
      `${path}.charts`,
      'only for a URL that begins with oci://',
    ),
    ...problemIf(
      isRegistry && charts === undefined && isHostAlone(upstream.url),
      `${path}.url`,
      'expected the path of a chart behind the host, or charts besides',
    ),
    ...problemIf(
      verify !== 'off' && keyring === undefined,
      `${path}.keyring`,
      `required with verify: ${verify}`,
    ),
    ...problemIf(verify === 'off' && keyring !== undefined, `${path}.keyring`, 'of no use with verify: off'),
  ]
}

function transportProblems(
  { url, insecure, clientCertificate, ca }: Upstream,
  path: string,
): readonly Problem[] {
  const isPlain = url.startsWith('http://')
  const hasTls = clientCertificate !== undefined || ca !== undefined
  return [
    ...problemIf(isPlain && !insecure, `${path}.url`, 'plain HTTP only with insecure: true'),
    ...problemIf(insecure && url.startsWith('https://'), `${path}.insecure`, 'of no use with https://'),
    ...problemIf(
      insecure && hasTls,
      `${path}.insecure`,
      'no certificates are shown or checked over plain HTTP',
    ),
  ]
}

function credentialProblems(upstream: Upstream, path: string): readonly Problem[] {
  const { username, password, passwordFile, token, tokenFile, clientCertificate, clientKey, proxy } = upstream
  const isBasic = username !== undefined
  return [
    ...problemIf(
      isBasic ? !isExactlyOne(password, passwordFile) : (password ?? passwordFile) !== undefined,
      `${path}.${isBasic ? 'password' : 'username'}`,
      isBasic
        ? 'required with username: exactly one of password and passwordFile'
        : 'required with a password',
    ),
    ...problemIf(
      token !== undefined && tokenFile !== undefined,
      `${path}.tokenFile`,
      'only one of token and tokenFile',
    ),
    ...problemIf(
      isBasic && (token ?? tokenFile) !== undefined,
      `${path}.${token === undefined ? 'tokenFile' : 'token'}`,
      'either a username with its password, or a token',
    ),
    ...problemIf(
      (clientCertificate === undefined) !== (clientKey === undefined),
      `${path}.${clientKey === undefined ? 'clientKey' : 'clientCertificate'}`,
      'required: clientCertificate and clientKey go together',
    ),
    ...proxyProblems(proxy, `${path}.proxy`),
  ]
}

function proxyProblems(proxy: Upstream['proxy'], path: string): readonly Problem[] {
  const { username, password, passwordFile } = proxy ?? {}
  if (username === undefined && (password ?? passwordFile) === undefined) return []
  return problemIf(
    username === undefined || !isExactlyOne(password, passwordFile),
    path,
    'required: a username and exactly one of password and passwordFile',
  )
}

/** What is about uploads, which a virtual repository does not take. */
const UPLOAD_SETTINGS = [
  'overwrite',
  'tombstones',
  'readOnly',
  'quota',
  'retention',
  'signing',
  'provenance',
] as const

function inVirtual(entry: Entry, path: string, repositories: readonly Entry[]): readonly Problem[] {
  const { name, virtual } = entry
  if (virtual === undefined) return []
  return [
    ...UPLOAD_SETTINGS.filter((setting) => entry[setting] !== undefined).map((setting) => ({
      path: `${path}.${setting}`,
      message: 'of no use: a virtual repository takes no uploads',
    })),
    ...virtual.flatMap((member, place) => {
      const known = repositories.find((other) => other.name === member)
      const at = `${path}.virtual.${place}`
      return [
        ...problemIf(virtual.indexOf(member) !== place, at, `${shown(member)} is listed twice`),
        ...problemIf(member === name, at, 'it cannot be a member of itself'),
        ...problemIf(
          known === undefined && member !== '',
          at,
          `no repository ${shown(member)} is listed by name`,
        ),
        ...problemIf(
          known?.virtual !== undefined && member !== name,
          at,
          `${shown(member)} is virtual itself: name its members instead`,
        ),
      ]
    }),
  ]
}

function isHostAlone(url: string): boolean {
  return new URL(url).pathname.replace(/\/+$/, '') === ''
}

function isExactlyOne(a: unknown, b: unknown): boolean {
  return (a === undefined) !== (b === undefined)
}

function shown(name: RepositoryName): string {
  return name === '' ? '/' : name
}

function problemIf(isProblem: boolean, path: string, message: string): readonly Problem[] {
  return isProblem ? [{ path, message }] : []
}
