/**
 * The outbox of webhooks. The change log itself cannot be it: it starts anew when a repository is renamed, and ends with
 * one that is deleted. Never edited once released.
 */
export const webhooks = `
-- "cursor" is the sequence number of the last event that is done with; "attempts" are those at the one behind it.
CREATE TABLE webhooks (
  url             TEXT NOT NULL PRIMARY KEY,
  cursor          INTEGER NOT NULL,
  named_at        TEXT NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  next_attempt_at TEXT,
  last_error      TEXT,
  last_error_at   TEXT
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a number that was removed never comes back, so that a cursor never passes what it has not seen.
CREATE TABLE events (
  sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL,
  kind       TEXT NOT NULL,
  repository TEXT NOT NULL,
  chart      TEXT NOT NULL,
  version    TEXT NOT NULL,
  digest     TEXT,
  changed_at TEXT NOT NULL,
  changed_by TEXT NOT NULL
) STRICT;

-- In the transaction of the change, whatever makes it; nothing is written where there is no webhook.
CREATE TRIGGER change_announced AFTER INSERT ON changes WHEN EXISTS (SELECT 1 FROM webhooks) BEGIN
  INSERT INTO events (id, kind, repository, chart, version, digest, changed_at, changed_by)
  SELECT lower(hex(randomblob(16))), NEW.kind, r.name, NEW.chart, NEW.version,
         (SELECT digest FROM versions
          WHERE repository_id = NEW.repository_id AND name = NEW.chart AND version = NEW.version),
         NEW.changed_at, NEW.changed_by
  FROM repositories r WHERE r.id = NEW.repository_id;
END;

CREATE TABLE leases (
  name  TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`
