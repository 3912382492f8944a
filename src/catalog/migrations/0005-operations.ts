/**
 * What an operator needs: quotas, repositories that are renamed and deleted, purged content. Never edited once
 * released.
 */
export const operations = `
-- Kept by triggers, so that no way of changing a version can forget them: a quota is judged without counting.
ALTER TABLE repositories ADD COLUMN live_versions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repositories ADD COLUMN live_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE repositories SET
  live_versions = (SELECT count(*) FROM versions
                   WHERE repository_id = repositories.id AND withdrawn_at IS NULL),
  live_bytes = (SELECT coalesce(sum(size), 0) FROM versions
                WHERE repository_id = repositories.id AND withdrawn_at IS NULL);

CREATE TRIGGER version_added AFTER INSERT ON versions WHEN NEW.withdrawn_at IS NULL BEGIN
  UPDATE repositories SET live_versions = live_versions + 1, live_bytes = live_bytes + NEW.size
  WHERE id = NEW.repository_id;
END;

CREATE TRIGGER version_removed AFTER DELETE ON versions WHEN OLD.withdrawn_at IS NULL BEGIN
  UPDATE repositories SET live_versions = live_versions - 1, live_bytes = live_bytes - OLD.size
  WHERE id = OLD.repository_id;
END;

CREATE TRIGGER version_changed AFTER UPDATE OF repository_id, size, withdrawn_at ON versions BEGIN
  UPDATE repositories SET live_versions = live_versions - 1, live_bytes = live_bytes - OLD.size
  WHERE id = OLD.repository_id AND OLD.withdrawn_at IS NULL;
  UPDATE repositories SET live_versions = live_versions + 1, live_bytes = live_bytes + NEW.size
  WHERE id = NEW.repository_id AND NEW.withdrawn_at IS NULL;
END;

-- The last revision that a name had before its repository was renamed or deleted: the next one of that name goes on from it.
CREATE TABLE former_repositories (
  name     TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Content that may not come back: to this repository, or, where it is NULL, to any.
CREATE TABLE purged (
  id             INTEGER PRIMARY KEY,
  repository     TEXT,
  digest         TEXT NOT NULL,
  content_digest TEXT NOT NULL,
  purged_at      TEXT NOT NULL,
  purged_by      TEXT NOT NULL,
  reason         TEXT NOT NULL
) STRICT;

CREATE INDEX purged_by_digest ON purged (digest);
CREATE INDEX purged_by_content ON purged (content_digest);
CREATE INDEX versions_by_content ON versions (content_digest);
CREATE INDEX tombstones_by_digest ON versions (digest) WHERE withdrawn_at IS NOT NULL;
`
