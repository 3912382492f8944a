/** Certificates get names, revocations and when they were last seen. Never edited once released. */
export const revocation = `
-- "alt_names" is a JSON list, as "URI:spiffe://example.org/ci".
ALTER TABLE certificates ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN alt_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE certificates ADD COLUMN last_seen_at TEXT;

-- What the first schema recorded were clients, whose subjects end with "CN=" and a name without "=": the text after the last one.
UPDATE certificates SET name = replace(subject, rtrim(subject, replace(subject, '=', '')), '');

CREATE INDEX certificates_by_name ON certificates (name);
CREATE INDEX certificates_by_serial ON certificates (serial);

-- Of any issuer: a certificate that was never recorded can be revoked too.
CREATE TABLE revocations (
  issuer_key TEXT NOT NULL,
  serial     TEXT NOT NULL,
  revoked_at TEXT NOT NULL,
  revoked_by TEXT NOT NULL,
  reason     TEXT NOT NULL,
  PRIMARY KEY (issuer_key, serial)
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('revocation-revision', '0');
`
