/**
 * What the upstreams of mirrors offer, and how reading them went. The change log is made anew for two more kinds of
 * changes, which are in the index but no events. Never edited once released.
 */
export const mirrors = `
CREATE TABLE upstreams (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  name          TEXT NOT NULL,
  url           TEXT NOT NULL,
  listed        INTEGER NOT NULL,
  checked_at    TEXT,
  changed_at    TEXT,
  entries       INTEGER NOT NULL DEFAULT 0,
  refused       INTEGER NOT NULL DEFAULT 0,
  etag          TEXT,
  last_modified TEXT,
  digest        TEXT,
  settings      TEXT NOT NULL DEFAULT '',
  error         TEXT,
  error_at      TEXT,
  PRIMARY KEY (repository_id, name)
) STRICT, WITHOUT ROWID;

-- "stored": there is a version of that file name, or its tombstone. "upstream_listed" is that of its upstream.
CREATE TABLE offers (
  id              INTEGER PRIMARY KEY,
  repository_id   INTEGER NOT NULL REFERENCES repositories (id),
  upstream        TEXT NOT NULL,
  name            TEXT NOT NULL,
  version         TEXT NOT NULL,
  sort_key        TEXT NOT NULL,
  filename        TEXT NOT NULL,
  digest          TEXT,
  urls            TEXT NOT NULL,
  created_at      TEXT,
  first_seen_at   TEXT NOT NULL,
  ages_from       TEXT NOT NULL,
  gone_at         TEXT,
  state           TEXT NOT NULL CHECK (state IN ('open', 'held', 'rejected')),
  held_until      TEXT,
  stored          INTEGER NOT NULL,
  upstream_listed INTEGER NOT NULL,
  other_digest    TEXT,
  other_seen_at   TEXT,
  alarm           TEXT,
  fragment        TEXT NOT NULL,
  listed          INTEGER NOT NULL GENERATED ALWAYS AS (
    state = 'open' AND gone_at IS NULL AND stored = 0 AND upstream_listed = 1
  ) VIRTUAL,
  UNIQUE (repository_id, name, version),
  UNIQUE (repository_id, filename)
) STRICT;

CREATE INDEX offers_in_index_order ON offers (repository_id, name, sort_key DESC) WHERE listed = 1;
CREATE INDEX offers_by_upstream ON offers (repository_id, upstream, name, state, stored) WHERE gone_at IS NULL;
CREATE INDEX offers_held ON offers (repository_id, held_until) WHERE state = 'held';

-- Whatever stores a version takes its offer out of the index, where it stands for itself. A file name has one version.
CREATE TRIGGER offer_stored AFTER INSERT ON versions BEGIN
  UPDATE offers SET stored = 1 WHERE repository_id = NEW.repository_id AND filename = NEW.filename;
END;

CREATE TABLE changes_of_any_kind (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  revision      INTEGER NOT NULL,
  kind          TEXT NOT NULL CHECK (
    kind IN ('publish', 'overwrite', 'delete', 'attach-provenance', 'offer', 'retract')
  ),
  chart         TEXT NOT NULL,
  version       TEXT NOT NULL,
  changed_at    TEXT NOT NULL,
  changed_by    TEXT NOT NULL,
  PRIMARY KEY (repository_id, revision)
) STRICT, WITHOUT ROWID;

INSERT INTO changes_of_any_kind SELECT * FROM changes;
DROP TABLE changes;
ALTER TABLE changes_of_any_kind RENAME TO changes;

-- As it was, for what changes a version.
CREATE TRIGGER change_announced AFTER INSERT ON changes
WHEN NEW.kind NOT IN ('offer', 'retract') AND EXISTS (SELECT 1 FROM webhooks) BEGIN
  INSERT INTO events (id, kind, repository, chart, version, digest, changed_at, changed_by)
  SELECT lower(hex(randomblob(16))), NEW.kind, r.name, NEW.chart, NEW.version,
         (SELECT digest FROM versions
          WHERE repository_id = NEW.repository_id AND name = NEW.chart AND version = NEW.version),
         NEW.changed_at, NEW.changed_by
  FROM repositories r WHERE r.id = NEW.repository_id;
END;

-- Of an alarm: its kind, and what there is to say.
ALTER TABLE events ADD COLUMN alarm TEXT;
ALTER TABLE events ADD COLUMN detail TEXT;
`
