import { type AuditEntry } from '../catalog/catalog.ts'
import { type Closers } from '../ops/close.ts'
import { AuditRotation, type AuditRotationDeps } from './audit-rotation.ts'
import { ReadAudit, type ReadAuditDeps } from './read-audit.ts'

/** Keeps the audit trail as long as the settings say. Returns what notes a read, where reads are kept at all. */
export function keepAudit(
  deps: AuditRotationDeps & ReadAuditDeps,
  closers: Closers,
): (entry: AuditEntry) => void {
  closers.add(new AuditRotation(deps))
  const reads = closers.add(new ReadAudit(deps))
  return (entry) => {
    reads.note(entry)
  }
}
