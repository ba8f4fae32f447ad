/** Workers on other machines. */
export const workers = `
-- workspace '': shared. said: what the worker says of itself, JSON.
CREATE TABLE workers (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, digest TEXT NOT NULL,
  "start" TEXT NOT NULL, "end" TEXT NOT NULL, createdBy TEXT NOT NULL, createdAt INTEGER NOT NULL, revokedAt INTEGER,
  changedAt INTEGER NOT NULL, lastSeenAt INTEGER, said TEXT
) STRICT;
CREATE UNIQUE INDEX workers_digest ON workers (digest);
CREATE INDEX workers_created ON workers (workspace, createdAt, id) WHERE revokedAt IS NULL;
CREATE INDEX workers_changed ON workers (changedAt);
CREATE INDEX workers_seen ON workers (lastSeenAt) WHERE revokedAt IS NULL;
`
