/**
 * The first schema. Text columns compare bytewise (SQLite's BINARY collation); times are ISO 8601 in UTC as
 * `Date.toISOString` writes them, so that they sort as text. Never edited once released.
 */
export const charts = `
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(8))));

CREATE TABLE repositories (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  revision   INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;

-- Withdrawn versions stay as tombstones, so that both UNIQUE constraints go on holding their names.
CREATE TABLE versions (
  id             INTEGER PRIMARY KEY,
  repository_id  INTEGER NOT NULL REFERENCES repositories (id),
  name           TEXT NOT NULL,
  version        TEXT NOT NULL,
  sort_key       TEXT NOT NULL,
  filename       TEXT NOT NULL,
  digest         TEXT NOT NULL,
  size           INTEGER NOT NULL,
  content_digest TEXT NOT NULL,
  published_at   TEXT NOT NULL,
  published_by   TEXT NOT NULL,
  withdrawn_at   TEXT,
  withdrawn_by   TEXT,
  fragment       TEXT NOT NULL,
  UNIQUE (repository_id, name, version),
  UNIQUE (repository_id, filename)
) STRICT;

CREATE INDEX versions_in_index_order ON versions (repository_id, name, sort_key DESC) WHERE withdrawn_at IS NULL;
CREATE INDEX versions_by_digest ON versions (digest) WHERE withdrawn_at IS NULL;

-- Of a live version's rows the newest is in force, the others are its history; a tombstone has none.
CREATE TABLE provenance (
  id          INTEGER PRIMARY KEY,
  version_id  INTEGER NOT NULL REFERENCES versions (id),
  digest      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  origin      TEXT NOT NULL CHECK (origin IN ('server', 'publisher')),
  recorded_at TEXT NOT NULL,
  recorded_by TEXT NOT NULL
) STRICT;

CREATE INDEX provenance_by_version ON provenance (version_id);
CREATE INDEX provenance_by_digest ON provenance (digest);

CREATE TABLE changes (
  repository_id INTEGER NOT NULL REFERENCES repositories (id),
  revision      INTEGER NOT NULL,
  kind          TEXT NOT NULL CHECK (kind IN ('publish', 'overwrite', 'delete', 'attach-provenance')),
  chart         TEXT NOT NULL,
  version       TEXT NOT NULL,
  changed_at    TEXT NOT NULL,
  changed_by    TEXT NOT NULL,
  PRIMARY KEY (repository_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
  id         INTEGER PRIMARY KEY,
  issuer_key TEXT NOT NULL,
  serial     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  not_before TEXT NOT NULL,
  not_after  TEXT NOT NULL,
  UNIQUE (issuer_key, serial)
) STRICT;

-- What gc knows. A row outlives its blob: "removals" tells a publish whether gc has been there meanwhile.
-- "size" is NULL for a blob that no row has ever named.
CREATE TABLE blobs (
  digest       TEXT NOT NULL PRIMARY KEY,
  size         INTEGER,
  state        TEXT NOT NULL CHECK (state IN ('live', 'condemned', 'deleting', 'deleted')),
  condemned_at TEXT,
  deleting_at  TEXT,
  removals     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX blobs_being_deleted ON blobs (deleting_at) WHERE state = 'deleting';

-- "repository" is a name: a refusal may speak of one that does not exist. NULL is none, '' is the root one.
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  at         TEXT NOT NULL,
  who        TEXT NOT NULL,
  peer       TEXT NOT NULL,
  request_id TEXT NOT NULL,
  action     TEXT NOT NULL,
  outcome    TEXT NOT NULL CHECK (outcome IN ('done', 'unchanged', 'refused')),
  repository TEXT,
  chart      TEXT,
  version    TEXT,
  detail     TEXT
) STRICT;
`
