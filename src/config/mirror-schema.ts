import { Cron } from 'croner'
import { z } from 'zod'
import { parseChartName } from '../chart/name.ts'
import { parseVersionConstraint } from '../chart/version-constraint.ts'
import { AppError } from '../errors.ts'
import { pattern } from '../policy/policy-file.ts'
import { bytes, duration, flag, network, parsed, repositoryName, secret } from './units.ts'

/** `mirror:` and `virtual:` of a repository. The rules between the settings are in `mirror-problems.ts`. */

/** `github.com` for any port, `github.com:8443` for that one; an IPv6 address in brackets. */
const host = parsed((text) => {
  const isHost = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(text)
  if (isHost && URL.canParse(`https://${text}`)) return text.toLowerCase()
  throw new AppError('config-invalid', 'expected a host, or HOST:PORT, such as objects.githubusercontent.com')
})

const upstreamUrl = parsed((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^(?:https?|oci):$/.test(url.protocol) || url.host === '') {
    throw new AppError('config-invalid', 'expected a URL that begins with https:// or oci://')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new AppError('config-invalid', 'expected a URL without user, query and fragment')
  }
  return url.href.replace(/\/+$/, '')
})

const proxyUrl = parsed((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') {
    return url.origin
  }
  throw new AppError('config-invalid', 'expected a URL such as http://proxy:3128, without a user in it')
})

const chartName = parsed(parseChartName)

/** As in `access`: a name, or `{ glob: 'nginx*' }`. */
const chartPattern = pattern.refine((value) => 'glob' in value || isChartName(value.exact), {
  message: "expected a chart's name, or a pattern such as { glob: 'nginx*' }",
})

const versionRange = parsed((text) => {
  parseVersionConstraint(text)
  return text
})

/** Which versions are meant: those that fit both settings. */
const selection = z.strictObject({
  chart: chartPattern.prefault({ glob: '**' }),
  /** As `helm --version` takes it: `>=1.0.0` means no pre-release, `>=1.0.0-0` means them as well. Default: all. */
  versions: versionRange.optional(),
})

const proxyObject = z.strictObject({
  url: proxyUrl,
  username: z.string().min(1).optional(),
  /** Only one of `password` and `passwordFile`. */
  password: secret.optional(),
  passwordFile: z.string().min(1).optional(),
})

const proxy = z.union([proxyUrl.transform((url): z.infer<typeof proxyObject> => ({ url })), proxyObject])

const upstream = z.strictObject({
  /** For reports, logs and metrics; unlike the others of this mirror. */
  name: z
    .string()
    .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'expected lower-case letters and digits, joined by . _ -'),
  /** What `helm repo add` takes; or a chart in a registry, `oci://registry.example.org/charts/nginx`. */
  url: upstreamUrl,
  /** With `oci://`: the charts to take, below the path in `url`. A registry has no list of them. */
  charts: z.array(chartName).min(1).optional(),
  /** Whether it may be asked over plain HTTP: what it sends can be changed on the way, and a password be read. */
  insecure: flag.default(false),
  /** Basic authentication; with exactly one of `password` and `passwordFile`. Sent to the upstream itself only. */
  username: z.string().min(1).optional(),
  password: secret.optional(),
  passwordFile: z.string().min(1).optional(),
  /** A bearer token instead. Only one of `token` and `tokenFile`. */
  token: secret.optional(),
  tokenFile: z.string().min(1).optional(),
  /** The certificate to show (PEM), and its key. To the upstream itself only. */
  clientCertificate: z.string().min(1).optional(),
  clientKey: z.string().min(1).optional(),
  /** The authorities (PEM) that the upstream's certificate must chain to. Default: those of Node and the system. */
  ca: z.string().min(1).optional(),
  /**
   * Other hosts that packages may come from, redirects included: `github.com`, `objects.githubusercontent.com:443`. Of a
   * registry also where it has its tokens from, which sees the password, and where it keeps its blobs.
   */
  hosts: z.array(host).default([]),
  /** Networks that may be connected to although they are private, loopback or the like. Default: none. */
  privateAddresses: z.array(network).default([]),
  /** Asks for connections with CONNECT. It looks names up itself, so that `privateAddresses` bind it for literals only. */
  proxy: proxy.optional(),
  /** For one file, to its end. */
  timeout: duration.prefault('120s'),
  /** Until the connection stands, with TLS. */
  connectTimeout: duration.prefault('10s'),
  maxIndexBytes: bytes.prefault('100MiB'),
  /** Of one archive. Default: `uploads.maxBytes`. */
  maxArchiveBytes: bytes.optional(),
  /** What is taken. Default: everything. */
  include: z.array(selection).min(1).optional(),
  /** What is left out of that. */
  exclude: z.array(selection).default([]),
  prereleases: flag.default(true),
  /** Of each chart the newest so many of what is left, by SemVer. Default: all. */
  keepLast: z.int().min(1).optional(),
  /** Whether provenance files by the upstream are checked: if there is one, or there must be one. */
  verify: z.enum(['off', 'when-present', 'required']).default('off'),
  /** Public keys (binary or armored) of those who sign there. */
  keyring: z.string().min(1).optional(),
  /** `lenient`: an archive in disorder that Helm loads is taken, and marked; as `chartroom import --lenient`. */
  reading: z.enum(['strict', 'lenient']).default('lenient'),
})

export const mirrorSchema = z.strictObject({
  /** Whether packages come when somebody asks, by a schedule (and `chartroom mirror sync`), or both. */
  mode: z.enum(['pull-through', 'sync', 'both']).default('pull-through'),
  /** When everything is fetched that the filters select: minute, hour, day, month, day of the week (cron). */
  schedule: parsed(parseSchedule).optional(),
  /** By how much that is put off at most, by chance, so that not all mirrors ask at once. */
  jitter: duration.prefault('10m'),
  /** How long an upstream's index counts as fresh. */
  ttl: duration.prefault('10m'),
  /** How long it is remembered that an upstream has no such file. */
  missingTtl: duration.prefault('1m'),
  /** No upstream is asked; what is here is served. */
  offline: flag.default(false),
  /** What becomes of a version here that its upstream has no more. */
  onUpstreamDelete: z.enum(['keep', 'withdraw']).default('keep'),
  /** How long a new version is held back, unless an administrator releases it. */
  quarantine: duration.optional(),
  /** Whether each new version is held back until an administrator releases it. */
  approve: flag.default(false),
  /** Of all downloads together, a second. Default: no limit. */
  bandwidth: bytes.refine((value) => value > 0, 'expected more than nothing').optional(),
  /** How many downloads at a time. */
  concurrency: z.int().min(1).max(64).default(4),
  /** One or several. Of those that have a chart's name, the first one has all its versions. */
  upstreams: z.array(upstream).min(1),
})

/** Its members: of those that have a chart's name, the first one has all its versions. */
export const virtualSchema = z.array(repositoryName).min(1)

function isChartName(text: string): boolean {
  try {
    parseChartName(text)
    return true
  } catch {
    // The refinement says what was expected.
    return false
  }
}

/** Of five fields: the seconds and years that Croner knows as well are of no use here. */
function parseSchedule(text: string): string {
  try {
    new Cron(text, { mode: '5-part', paused: true })
    return text
  } catch (error) {
    throw new AppError('config-invalid', "expected a cron schedule such as '0 3 * * *'", { cause: error })
  }
}
