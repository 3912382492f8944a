import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const FIND: Query<{ name: string }, { owner: string; until: string }> = {
  sql: 'SELECT owner, until FROM leases WHERE name = @name',
}

const TAKE: Query<{ name: string; owner: string; until: string }> = {
  sql: `INSERT INTO leases (name, owner, until) VALUES (@name, @owner, @until)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until`,
}

const RELEASE: Query<{ name: string; owner: string }> = {
  sql: 'DELETE FROM leases WHERE name = @name AND owner = @owner',
}

export interface LeaseTimes {
  readonly now: Date
  readonly until: Date
}

interface Connections {
  read<T>(fn: (tx: Reader) => T): Promise<T>
  write<T>(fn: (tx: Writer) => T): Promise<T>
}

export async function takeLease(
  connections: Connections,
  { name, owner }: { readonly name: string; readonly owner: string },
  { now, until }: LeaseTimes,
): Promise<'held' | 'held-elsewhere'> {
  const isOthers = (tx: Reader): boolean => {
    const lease = tx.get(FIND, { name })
    return lease !== undefined && lease.owner !== owner && lease.until > now.toISOString()
  }
  // Without the write lock first: those who wait for the lease ask often.
  if (await connections.read(isOthers)) return 'held-elsewhere'
  return connections.write((tx) => {
    if (isOthers(tx)) return 'held-elsewhere'
    tx.run(TAKE, { name, owner, until: until.toISOString() })
    return 'held'
  })
}

export function releaseLease(tx: Writer, name: string, owner: string): void {
  tx.run(RELEASE, { name, owner })
}
