/** The first schema: everything of the first release. Columns are named like the fields of the records in `ports/`. */
export const first = `
CREATE TABLE installation (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY, algorithm TEXT NOT NULL, publicKey TEXT NOT NULL, sealedPrivateKey TEXT NOT NULL,
  createdAt INTEGER NOT NULL
) STRICT;

CREATE TABLE workspaces (id TEXT PRIMARY KEY, name TEXT NOT NULL, createdAt INTEGER NOT NULL) STRICT;

CREATE TABLE users (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, externalId TEXT, email TEXT, emailFolded TEXT, name TEXT,
  metadata TEXT NOT NULL, limits TEXT NOT NULL, workspace TEXT NOT NULL, admin INTEGER NOT NULL,
  disabled INTEGER NOT NULL, createdAt INTEGER NOT NULL, changedAt INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_email ON users (emailFolded) WHERE emailFolded IS NOT NULL;
CREATE UNIQUE INDEX users_external_id ON users (externalId) WHERE externalId IS NOT NULL;
CREATE INDEX users_created ON users (createdAt, id);
CREATE INDEX users_workspace ON users (workspace, createdAt, id);
CREATE INDEX users_changed ON users (changedAt);

-- role NULL: no longer a member; kept so that whoever holds a token learns of it.
CREATE TABLE memberships (
  user TEXT NOT NULL REFERENCES users (id), workspace TEXT NOT NULL REFERENCES workspaces (id), role TEXT,
  createdAt INTEGER NOT NULL, changedAt INTEGER NOT NULL, PRIMARY KEY (user, workspace)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_workspace ON memberships (workspace);
CREATE INDEX memberships_changed ON memberships (changedAt);

CREATE TABLE keys (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
  scopes TEXT NOT NULL, suites TEXT, digest TEXT NOT NULL, "start" TEXT NOT NULL, "end" TEXT NOT NULL,
  createdAt INTEGER NOT NULL, expiresAt INTEGER, revokedAt INTEGER, lastUsedAt INTEGER, changedAt INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keys_digest ON keys (digest);
CREATE INDEX keys_user ON keys (user, createdAt, id);
CREATE INDEX keys_active ON keys (user, expiresAt) WHERE revokedAt IS NULL;
CREATE INDEX keys_workspace ON keys (workspace, createdAt, id);
CREATE INDEX keys_changed ON keys (changedAt);

CREATE TABLE revoked_tokens (id TEXT PRIMARY KEY, expiresAt INTEGER NOT NULL, changedAt INTEGER NOT NULL) STRICT;
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expiresAt);
CREATE INDEX revoked_tokens_changed ON revoked_tokens (changedAt);

CREATE TABLE idempotency (
  workspace TEXT NOT NULL, caller TEXT NOT NULL, key TEXT NOT NULL, meaning TEXT NOT NULL, status INTEGER,
  sealedBody TEXT, secretOf TEXT, expiresAt INTEGER NOT NULL, PRIMARY KEY (workspace, caller, key)
) STRICT;
CREATE INDEX idempotency_expires ON idempotency (expiresAt);
CREATE INDEX idempotency_secret ON idempotency (secretOf) WHERE sealedBody IS NOT NULL;

CREATE TABLE suites (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER, digest TEXT, definition TEXT,
  repository TEXT, locked INTEGER NOT NULL, createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX suites_name ON suites (workspace, name);
CREATE INDEX suites_created ON suites (workspace, createdAt, id);

CREATE TABLE revisions (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, suite TEXT NOT NULL, revision INTEGER NOT NULL, digest TEXT NOT NULL,
  archive TEXT, source TEXT NOT NULL, createdAt INTEGER NOT NULL, createdBy TEXT, definition TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX revisions_number ON revisions (workspace, suite, revision);
CREATE INDEX revisions_created ON revisions (workspace, suite, createdAt, id);
CREATE INDEX revisions_archive ON revisions (workspace, archive) WHERE archive IS NOT NULL;

CREATE TABLE suite_secrets (
  workspace TEXT NOT NULL, suite TEXT NOT NULL, name TEXT NOT NULL, sealedValue TEXT NOT NULL,
  createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL, PRIMARY KEY (workspace, suite, name)
) STRICT;

-- revisions: how many name it, kept by triggers.
CREATE TABLE archives (
  workspace TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, filesDigest TEXT NOT NULL,
  createdAt INTEGER NOT NULL, lastUsedAt INTEGER NOT NULL, revisions INTEGER NOT NULL, PRIMARY KEY (workspace, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX archives_blob ON archives (sha256);
CREATE INDEX archives_unused ON archives (lastUsedAt) WHERE revisions = 0;
CREATE TRIGGER revisions_made AFTER INSERT ON revisions WHEN new.archive IS NOT NULL BEGIN
  UPDATE archives SET revisions = revisions + 1 WHERE workspace = new.workspace AND sha256 = new.archive;
END;
CREATE TRIGGER revisions_gone AFTER DELETE ON revisions WHEN old.archive IS NOT NULL BEGIN
  UPDATE archives SET revisions = revisions - 1 WHERE workspace = old.workspace AND sha256 = old.archive;
END;

-- request: what never changes of a run, JSON. lane: JSON of [suite, concurrency, runsOn]; queued runs of one lane may be
-- claimed by the same workers at the same time, so only the oldest of each is looked at.
-- hasLog, hasArtifacts: of any attempt. owner and leaseEndsAt are set while it is running, and only then.
CREATE TABLE runs (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, suite TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'passed', 'failed', 'errored', 'timed_out', 'cancelled')),
  version INTEGER NOT NULL, attempt INTEGER NOT NULL, lostLeases INTEGER NOT NULL, artifacts INTEGER NOT NULL,
  createdAt INTEGER NOT NULL, startedAt INTEGER, finishedAt INTEGER,
  owner TEXT, leaseEndsAt INTEGER, queueEndsAt INTEGER NOT NULL, watchedAt INTEGER NOT NULL, abandonAt INTEGER,
  cancelReason TEXT, cancelMessage TEXT, hasLog INTEGER NOT NULL DEFAULT 0, hasArtifacts INTEGER NOT NULL DEFAULT 0,
  archive TEXT, idempotencyKey TEXT, idempotencyMeaning TEXT, lane TEXT NOT NULL, results TEXT, reason TEXT,
  sealedSecrets TEXT, request TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_idempotency ON runs (workspace, idempotencyKey) WHERE idempotencyKey IS NOT NULL;
CREATE INDEX runs_created ON runs (workspace, createdAt, id);
CREATE INDEX runs_suite ON runs (workspace, suite, createdAt, id);
CREATE INDEX runs_state ON runs (workspace, state, createdAt, id);
CREATE INDEX runs_suite_state ON runs (workspace, suite, state, createdAt, id);
CREATE INDEX runs_lane ON runs (workspace, lane, createdAt, id) WHERE state = 'queued';
CREATE INDEX runs_queued ON runs (createdAt, id) WHERE state = 'queued';
CREATE INDEX runs_queue_ends ON runs (queueEndsAt) WHERE state = 'queued';
CREATE INDEX runs_lease_ends ON runs (leaseEndsAt) WHERE leaseEndsAt IS NOT NULL;
CREATE INDEX runs_owner ON runs (owner) WHERE owner IS NOT NULL;
CREATE INDEX runs_abandon ON runs (abandonAt) WHERE abandonAt IS NOT NULL;
CREATE INDEX runs_archive ON runs (workspace, archive) WHERE archive IS NOT NULL AND finishedAt IS NULL;
CREATE INDEX runs_finished ON runs (finishedAt) WHERE finishedAt IS NOT NULL;
CREATE INDEX runs_with_log ON runs (finishedAt) WHERE hasLog = 1;
CREATE INDEX runs_with_artifacts ON runs (finishedAt) WHERE hasArtifacts = 1;

-- What a run is found by beside suite and state: label, commit, branch, repository.
CREATE TABLE run_facts (
  workspace TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, createdAt INTEGER NOT NULL, run TEXT NOT NULL,
  PRIMARY KEY (workspace, kind, value, createdAt, run)
) STRICT, WITHOUT ROWID;

-- Sums that hot paths need, kept by triggers in the transaction of the change, so that they cannot drift.
CREATE TABLE workspace_totals (
  workspace TEXT PRIMARY KEY, queued INTEGER NOT NULL DEFAULT 0, running INTEGER NOT NULL DEFAULT 0,
  archiveBytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_totals_busy ON workspace_totals (workspace, queued, running) WHERE queued > 0 OR running > 0;
CREATE TRIGGER runs_made AFTER INSERT ON runs BEGIN
  INSERT INTO workspace_totals (workspace, queued) VALUES (new.workspace, 1)
    ON CONFLICT DO UPDATE SET queued = queued + 1;
END;
CREATE TRIGGER runs_moved AFTER UPDATE OF state ON runs WHEN old.state <> new.state BEGIN
  UPDATE workspace_totals SET queued = queued + (new.state = 'queued') - (old.state = 'queued'),
    running = running + (new.state = 'running') - (old.state = 'running') WHERE workspace = new.workspace;
END;
CREATE TRIGGER archives_made AFTER INSERT ON archives BEGIN
  INSERT INTO workspace_totals (workspace, archiveBytes) VALUES (new.workspace, new.bytes)
    ON CONFLICT DO UPDATE SET archiveBytes = archiveBytes + new.bytes;
END;
CREATE TRIGGER archives_gone AFTER DELETE ON archives BEGIN
  UPDATE workspace_totals SET archiveBytes = archiveBytes - old.bytes WHERE workspace = old.workspace;
END;

CREATE TABLE cases (
  run TEXT NOT NULL, attempt INTEGER NOT NULL, id INTEGER NOT NULL, state TEXT NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (run, attempt, id)
) STRICT;
CREATE INDEX cases_state ON cases (run, attempt, state, id);
CREATE TABLE case_blocks (
  run TEXT NOT NULL, attempt INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (run, attempt, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
  run TEXT NOT NULL, attempt INTEGER NOT NULL, seq INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, attempt, seq)
) STRICT;

CREATE TABLE artifacts (
  run TEXT NOT NULL, attempt INTEGER NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (run, attempt, path)
) STRICT;
CREATE INDEX artifacts_blob ON artifacts (sha256);
-- Blobs of artifacts that were replaced: removed with the next old artifacts, unless something else needs them.
CREATE TABLE replaced_blobs (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`
