import { z } from 'zod'
import { ACTIONS, type Grant } from './policy.ts'
import { type Pattern } from './pattern.ts'

/**
 * `access:` of chartroom.yaml: a list of grants. A name is matched exactly; `{ glob: 'team-a/**' }` is a pattern. The
 * root repository is written `/`, every repository `all`.
 */
const pattern = z
  .union([z.string().min(1), z.strictObject({ glob: z.string().min(1) })])
  .transform((value): Pattern => (typeof value === 'string' ? { exact: value } : value))

const repositoryPattern = pattern.transform((value): Pattern =>
  'exact' in value && value.exact === '/' ? { exact: '' } : value,
)

const EVERY_REPOSITORY: readonly Pattern[] = [{ glob: '**' }]

/** With or without colons, in either case, as `openssl x509 -fingerprint -sha256` prints it. */
const fingerprint = z
  .string()
  .transform((text) => text.replaceAll(':', '').toLowerCase())
  .refine((text) => /^[0-9a-f]{64}$/.test(text), 'expected a SHA-256 fingerprint: 64 hexadecimal digits')

const who = z.strictObject({
  /** The trust anchor's name in `tls.clientCAs`. Optional where there is only one. */
  anchor: z.string().min(1).optional(),
  /** Subject common name. */
  cn: pattern.optional(),
  /** Subject organization. */
  o: pattern.optional(),
  /** Subject organizational unit. */
  ou: pattern.optional(),
  /** Subject alternative name of kind URI, for example a SPIFFE ID. */
  uri: pattern.optional(),
  /** Subject alternative name of kind e-mail. */
  email: pattern.optional(),
  /** Subject alternative name of kind DNS. */
  dns: pattern.optional(),
  /** This one certificate. */
  fingerprint: fingerprint.optional(),
})

export const accessSchema = z.array(
  z.strictObject({
    who,
    may: z.array(z.enum(ACTIONS)).min(1),
    repositories: z.union([
      z.literal('all').transform(() => EVERY_REPOSITORY),
      z.array(repositoryPattern).min(1),
    ]),
    /** Absent: every chart. */
    charts: z.array(pattern).min(1).optional(),
  }),
)

export type AccessSection = z.infer<typeof accessSchema>

export interface PolicyProblem {
  /** Where in the file, for example `access.0.who.anchor`. */
  readonly path: string
  readonly message: string
}

/** The grants that the section means, and everything in it that the configured trust anchors contradict. */
export function readGrants(
  access: AccessSection,
  anchors: readonly string[],
): { readonly grants: readonly Grant[]; readonly problems: readonly PolicyProblem[] } {
  const grants: Grant[] = []
  const problems: PolicyProblem[] = []
  for (const [place, entry] of access.entries()) {
    const anchor = entry.who.anchor ?? (anchors.length === 1 ? anchors[0] : undefined)
    const message = anchorProblem(anchor, anchors)
    if (anchor === undefined || message !== undefined) {
      problems.push({ path: `access.${place}.who.anchor`, message: message ?? 'required' })
    } else {
      grants.push(withoutAbsent({ ...entry, who: withoutAbsent({ ...entry.who, anchor }) }))
    }
  }
  return { grants, problems }
}

function anchorProblem(anchor: string | undefined, anchors: readonly string[]): string | undefined {
  if (anchor === undefined) return `required, because there are several trust anchors: ${anchors.join(', ')}`
  if (!anchors.includes(anchor)) return `no such trust anchor; tls.clientCAs has: ${anchors.join(', ')}`
  return undefined
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** zod gives absent optional fields as `undefined`; the domain's types know only absence. */
function withoutAbsent<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as WithoutUndefined<T>
}
