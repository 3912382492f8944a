import { type RepositoryName } from '../chart/repository-name.ts'
import { type Decision } from '../policy/decision.ts'
import { type Rights } from '../policy/explain.ts'
import { ACTIONS, type Action, type Rule } from '../policy/rule.ts'
import { asciiOnly } from '../text.ts'
import { renderTable } from './table.ts'

/** A row for each person, a column for each repository, the actions in the cells. */
export function renderRights(rights: readonly Rights[], virtual: Virtual): string {
  const table = matrix(rights, ({ decisions }) => rightsCell(decisions))
  const isNarrowed = rights.some(({ decisions }) =>
    ACTIONS.some((action) => decisions[action].verdict === 'partly'),
  )
  const notes = [...(isNarrowed ? ['* for some charts only'] : []), ...virtualNotes(rights, virtual)]
  return [table, ...notes].join('\n\n')
}

/** The members of each virtual repository. */
export type Virtual = ReadonlyMap<RepositoryName, readonly RepositoryName[]>

function virtualNotes(rights: readonly Rights[], virtual: Virtual): readonly string[] {
  const shown = new Set(rights.map(({ repository }) => repository))
  return [...virtual].flatMap(([name, members]) => {
    if (!shown.has(name)) return []
    const list = members.map(columnName).join(', ')
    return [
      `${columnName(name)} is virtual: nothing is changed in it, and a chart is read by whoever may also read it in its member (${list})`,
    ]
  })
}

/** The same matrix, with the rules that decide about one action in the cells, by their place in the file. */
export function renderExplanation(rights: readonly Rights[], action: Action, rules: readonly Rule[]): string {
  return matrix(rights, ({ decisions }) => explanationCell(decisions[action], rules))
}

/** The same for programs; with `action`, about that one only and with the rules that decide. */
export function rightsToJson(rights: readonly Rights[], action?: Action): readonly object[] {
  return rights.map(({ person, repository, decisions }) => {
    if (action !== undefined) {
      const { verdict, rules } = decisions[action]
      return { who: person, repository, action, verdict, rules: rules.map(ruleName) }
    }
    return {
      who: person,
      repository,
      may: actionsWith(decisions, 'granted'),
      maySomeCharts: actionsWith(decisions, 'partly'),
    }
  })
}

function matrix(rights: readonly Rights[], cell: (rights: Rights) => string): string {
  const repositories = [...new Set(rights.map(({ repository }) => repository))]
  const persons = [...new Set(rights.map(({ person }) => person))]
  const rows = persons.map((person) => [
    asciiOnly(person),
    ...rights.filter((entry) => entry.person === person).map(cell),
  ])
  return renderTable([['WHO', ...repositories.map(columnName)], ...rows]).join('\n')
}

function columnName(repository: RepositoryName): string {
  return repository || '/'
}

function rightsCell(decisions: Rights['decisions']): string {
  const allowed = ACTIONS.flatMap((action) => {
    const { verdict } = decisions[action]
    if (verdict === 'granted') return [action]
    return verdict === 'partly' ? [`${action}*`] : []
  })
  return allowed.join(',') || '-'
}

function explanationCell({ verdict, rules: places }: Decision, rules: readonly Rule[]): string {
  const isDenial = (place: number): boolean => 'deny' in (rules[place] ?? {})
  const grants = places.filter((place) => !isDenial(place)).map(ruleName)
  const denials = places.filter(isDenial).map(ruleName)
  switch (verdict) {
    case 'granted':
      return `yes: ${grants.join(', ')}`
    case 'partly':
      return `some charts: ${[...grants, ...denials.map((rule) => `not ${rule}`)].join(', ')}`
    case 'denied':
      return `no: denied by ${denials.join(', ')}`
    case 'ungranted':
      return 'no: nothing grants it'
  }
}

/** A rule's path in the configuration. */
function ruleName(place: number): string {
  return `access[${place}]`
}

function actionsWith(decisions: Rights['decisions'], verdict: Decision['verdict']): readonly Action[] {
  return ACTIONS.filter((action) => decisions[action].verdict === verdict)
}
