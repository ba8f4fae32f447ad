/** Keys for many users: rotation, limits, people by external id, workspaces with members, audit and usage. */
export const keys = `
ALTER TABLE keys ADD COLUMN allowedIps TEXT;
ALTER TABLE keys ADD COLUMN audiences TEXT;
ALTER TABLE keys ADD COLUMN limits TEXT;
ALTER TABLE keys ADD COLUMN replaces TEXT;
ALTER TABLE keys ADD COLUMN endsReplaced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN lastUsedFrom TEXT;
-- One successor only, whatever asks at the same time.
CREATE UNIQUE INDEX keys_replaces ON keys (replaces) WHERE replaces IS NOT NULL;

-- externalIssuer: whose external id it is; another issuer's equal id is another person. deletedAt: kept without its
-- particulars, so that whoever holds a token learns of it and the audit log still knows the id.
ALTER TABLE users ADD COLUMN externalIssuer TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN deletedAt INTEGER;
DROP INDEX users_external_id;
CREATE UNIQUE INDEX users_external_id ON users (externalIssuer, externalId) WHERE externalId IS NOT NULL;

-- emptiedAt: when the last of what a deleted workspace held was removed.
ALTER TABLE workspaces ADD COLUMN deletedAt INTEGER;
ALTER TABLE workspaces ADD COLUMN emptiedAt INTEGER;
CREATE INDEX workspaces_deleted ON workspaces (deletedAt) WHERE deletedAt IS NOT NULL AND emptiedAt IS NULL;
CREATE INDEX memberships_members ON memberships (workspace, createdAt, user) WHERE role IS NOT NULL;
CREATE INDEX memberships_user ON memberships (user, createdAt, workspace) WHERE role IS NOT NULL;
CREATE INDEX memberships_owners ON memberships (workspace) WHERE role = 'owner';

CREATE TABLE invitations (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, role TEXT NOT NULL, email TEXT, digest TEXT NOT NULL,
  createdBy TEXT NOT NULL, createdAt INTEGER NOT NULL, expiresAt INTEGER NOT NULL, acceptedAt INTEGER
) STRICT;
CREATE UNIQUE INDEX invitations_digest ON invitations (digest);
CREATE INDEX invitations_expires ON invitations (expiresAt);
CREATE INDEX invitations_workspace ON invitations (workspace);

CREATE TABLE audit (
  id TEXT PRIMARY KEY, createdAt INTEGER NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, workspace TEXT,
  user TEXT, credential TEXT, address TEXT, requestId TEXT, target TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_created ON audit (createdAt, id);
CREATE INDEX audit_workspace ON audit (workspace, createdAt, id);
CREATE INDEX audit_user ON audit (user, createdAt, id) WHERE user IS NOT NULL;
CREATE INDEX audit_credential ON audit (credential, createdAt, id) WHERE credential IS NOT NULL;
-- Nothing changes what was noted; only its age removes it.
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;

-- day: UTC, as 2026-11-25. Calls and exchanges are counted in memory and added; runs are counted by the runs themselves.
CREATE TABLE usage (
  day TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL DEFAULT 0,
  exchanges INTEGER NOT NULL DEFAULT 0, runs INTEGER NOT NULL DEFAULT 0, runMs INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, user, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_user ON usage (user, day, key);
CREATE INDEX usage_key ON usage (key, day);

ALTER TABLE runs ADD COLUMN user TEXT;
CREATE INDEX runs_user_unfinished ON runs (user, id) WHERE finishedAt IS NULL AND user IS NOT NULL;
CREATE INDEX runs_user_running ON runs (user) WHERE state = 'running' AND user IS NOT NULL;
CREATE TRIGGER runs_counted AFTER INSERT ON runs WHEN new.user IS NOT NULL BEGIN
  INSERT INTO usage (day, user, key, runs) VALUES (strftime('%Y-%m-%d', new.createdAt / 1000, 'unixepoch'), new.user,
    coalesce(json_extract(new.request, '$.triggeredBy.id'), ''), 1) ON CONFLICT DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER runs_timed AFTER UPDATE OF finishedAt ON runs
  WHEN new.user IS NOT NULL AND old.finishedAt IS NULL AND new.finishedAt IS NOT NULL AND new.startedAt IS NOT NULL BEGIN
  UPDATE usage SET runMs = runMs + max(0, new.finishedAt - new.startedAt)
    WHERE day = strftime('%Y-%m-%d', new.createdAt / 1000, 'unixepoch') AND user = new.user
      AND key = coalesce(json_extract(new.request, '$.triggeredBy.id'), '');
END;

-- activeAt: from when it signs; it is published before. retiredAt: taken back at once, and out of the public keys.
ALTER TABLE signing_keys ADD COLUMN activeAt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN retiredAt INTEGER;
`
