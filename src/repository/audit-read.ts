import { type Actor, type AuditEntry } from '../catalog/catalog.ts'

/** The audit row of something read, without the version that it is of; what the actor says of how comes behind `what`. */
export function auditRead(actor: Actor, what: string): Omit<AuditEntry, 'repository' | 'chart' | 'version'> {
  const detail = actor.detail === undefined ? what : `${what} ${actor.detail}`
  return { ...actor, action: 'read', outcome: 'done', detail }
}
