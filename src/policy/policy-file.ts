import { z } from 'zod'
import { type Pattern } from './pattern.ts'
import { ACTIONS, type Rule, type Subject, type Who } from './rule.ts'

/**
 * `groups:` and `access:` of chartroom.yaml: named sets of identities, and a list of rules. A name is matched exactly;
 * `{ glob: 'team-a/**' }` is a pattern. The root repository is written `/`, every repository `all`.
 */
export const pattern = z
  .union([z.string().min(1), z.strictObject({ glob: z.string().min(1) })])
  .transform((value): Pattern => (typeof value === 'string' ? { exact: value } : value))

const repositoryPattern = pattern.transform((value): Pattern =>
  'exact' in value && value.exact === '/' ? { exact: '' } : value,
)

const EVERY_REPOSITORY: readonly Pattern[] = [{ glob: '**' }]

/** `all`, or a list of names and patterns. */
export const repositoriesSchema = z.union([
  z.literal('all').transform(() => EVERY_REPOSITORY),
  z.array(repositoryPattern).min(1),
])

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

const actions = z.array(z.enum(ACTIONS)).min(1)

export const accessSchema = z.array(
  z.strictObject({
    /** Attributes of a certificate, or `group` alone: a name under `groups`. */
    who: who.extend({ group: z.string().min(1).optional() }),
    /** What the rule grants. Either this or `deny`. */
    may: actions.optional(),
    /** What the rule takes back: wins over every grant, wherever it stands. */
    deny: actions.optional(),
    repositories: repositoriesSchema,
    /** Absent: every chart. */
    charts: z.array(pattern).min(1).optional(),
  }),
)

/** A name for whoever one of the descriptions fits. Groups do not nest; an empty one is nobody. */
export const groupsSchema = z.record(z.string().min(1), z.array(who))

export interface PolicySections {
  readonly access: z.infer<typeof accessSchema>
  readonly groups: z.infer<typeof groupsSchema>
}

/** What the sections are checked against. */
export interface PolicyContext {
  /** The names of the configured trust anchors. */
  readonly anchors: readonly string[]
  /** A hint such as ` (did you mean x?)` for a name that is not among the known ones. */
  readonly suggest: (typed: string, known: readonly string[]) => string
}

export interface PolicyProblem {
  /** Where in the file, for example `access.0.who.anchor`. */
  readonly path: string
  readonly message: string
}

/** The rules that the sections mean, in their order, and everything in them that does not go together. */
export function readRules(
  { access, groups }: PolicySections,
  context: PolicyContext,
): { readonly rules: readonly Rule[]; readonly problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = []
  const reading = { ...context, report: (path: string, message: string) => problems.push({ path, message }) }
  const members = new Map(
    Object.entries(groups).map(([name, list]) => [
      name,
      list.map((entry, place) => readWho(entry, `groups.${name}.${place}`, reading)),
    ]),
  )
  const rules = access.map((entry, place) => readRule(entry, `access.${place}`, { ...reading, members }))
  return { rules, problems }
}

interface Reading extends PolicyContext {
  readonly report: (path: string, message: string) => void
}

interface RuleReading extends Reading {
  readonly members: ReadonlyMap<string, readonly Who[]>
}

type Entry = PolicySections['access'][number]

/** Where something is reported, what is returned is never used. */
function readRule(entry: Entry, path: string, reading: RuleReading): Rule {
  const { may, deny, charts, repositories } = entry
  if ((may === undefined) === (deny === undefined)) {
    reading.report(path, 'needs either may or deny, and not both')
  }
  if (charts !== undefined && [may, deny].some((actions) => actions?.includes('admin'))) {
    reading.report(`${path}.charts`, 'admin is about the whole server: charts cannot narrow it')
  }
  const scope = {
    who: readSubject(entry.who, `${path}.who`, reading),
    repositories,
    ...(charts !== undefined && { charts }),
  }
  return deny === undefined ? { ...scope, may: may ?? [] } : { ...scope, deny }
}

function readSubject({ group, ...names }: Entry['who'], path: string, reading: RuleReading): Subject {
  if (group === undefined) return readWho(names, path, reading)
  const members = reading.members.get(group)
  if (Object.values(names).some((name) => name !== undefined)) {
    reading.report(path, 'a group stands alone; what narrows it belongs into the group')
  }
  if (members === undefined) {
    const known = [...reading.members.keys()]
    reading.report(`${path}.group`, `no such group${reading.suggest(group, known)}`)
  }
  return { group, members: members ?? [] }
}

function readWho(entry: z.infer<typeof who>, path: string, { anchors, report }: Reading): Who {
  const anchor = entry.anchor ?? anchors[0] ?? ''
  if (entry.anchor === undefined && anchors.length > 1) {
    report(`${path}.anchor`, `required, because there are several trust anchors: ${anchors.join(', ')}`)
  } else if (!anchors.includes(anchor)) {
    report(`${path}.anchor`, `no such trust anchor; tls.clientCAs has: ${anchors.join(', ')}`)
  }
  return withoutAbsent({ ...entry, anchor })
}

type WithoutUndefined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** zod gives absent optional fields as `undefined`; the domain's types know only absence. */
function withoutAbsent<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as WithoutUndefined<T>
}
