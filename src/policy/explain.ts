import { type RepositoryName } from '../chart/repository-name.ts'
import { compileRule } from './compiled-rule.ts'
import { decide, type Decision } from './decision.ts'
import { type IdentityNames } from './identity.ts'
import { ACTIONS, type Action, type Rule, type Subject } from './rule.ts'
import { describeSubject, isWithin } from './subject.ts'

/** Somebody whose rights are asked for. */
export interface Person {
  readonly label: string
  readonly isMeantBy: (rule: Rule) => boolean
}

/** Somebody who has exactly these names, as the server would decide about them. */
export function personOf(label: string, identity: IdentityNames): Person {
  return {
    label,
    isMeantBy: (rule) => compileRule(rule, 0).appliesTo(identity),
  }
}

/**
 * The subjects that the rules name, each once, as somebody with these attributes and no others. A certificate that has
 * more of them may hold more, and what is denied to one of its other names is denied to it.
 */
export function personsOf(rules: readonly Rule[]): readonly Person[] {
  const subjects = new Map(rules.map(({ who }) => [describeSubject(who), who]))
  return [...subjects].map(([label, subject]: [string, Subject]) => ({
    label,
    isMeantBy: (rule) => isWithin(subject, rule.who),
  }))
}

export interface RightsQuery {
  readonly persons: readonly Person[]
  readonly repositories: readonly RepositoryName[]
  /** Absent: any chart. */
  readonly chart?: string
}

export interface Rights {
  readonly person: string
  readonly repository: RepositoryName
  readonly decisions: Readonly<Record<Action, Decision>>
}

/** What the rules say of each person in each repository, persons first. */
export function explainRights(rules: readonly Rule[], query: RightsQuery): readonly Rights[] {
  const { persons, repositories, chart } = query
  const compiled = rules.map((rule, place) => ({ rule, ...compileRule(rule, place) }))
  return persons.flatMap((person) => {
    const own = compiled.filter(({ rule }) => person.isMeantBy(rule))
    return repositories.map((repository) => {
      const here = own.filter(({ coversRepository }) => coversRepository(repository))
      const decisions = ACTIONS.map((action) => [action, decide(here, action, chart)] as const)
      return {
        person: person.label,
        repository,
        decisions: Object.fromEntries(decisions) as Rights['decisions'],
      }
    })
  })
}
