/**
 * Reading the audit trail by time and by what people look for, each index in the order of the listing. `who_name` is
 * what stands in quotation marks in `who` (`policy/identity.ts`), or all of it.
 */
export const audit = `
ALTER TABLE audit ADD COLUMN who_name TEXT GENERATED ALWAYS AS (
  CASE WHEN who GLOB '*:"*"'
    THEN substr(who, instr(who, ':"') + 2, length(who) - instr(who, ':"') - 2)
    ELSE who
  END
) VIRTUAL;

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_who ON audit (who_name, at);
CREATE INDEX audit_by_repository ON audit (repository, at);
CREATE INDEX audit_by_action ON audit (action, at);

-- Few among many reads, and what is looked for most.
CREATE INDEX audit_refused ON audit (at) WHERE outcome = 'refused';
CREATE INDEX audit_refused_by_action ON audit (action, at) WHERE outcome = 'refused';

-- What is pruned sooner than the rest.
CREATE INDEX audit_reads ON audit (at) WHERE action = 'read' AND outcome = 'done';
`
