/** Callbacks with their outbox and deliveries, and triggers. */
export const callbacks = `
CREATE TABLE callbacks (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, target TEXT NOT NULL, events TEXT NOT NULL, suites TEXT, branches TEXT,
  description TEXT, secrets TEXT NOT NULL, failingSince INTEGER, disabledAt INTEGER, disabledReason TEXT,
  createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX callbacks_created ON callbacks (workspace, createdAt, id);
-- Asked for at every start and end of a run: whether anybody listens.
CREATE INDEX callbacks_active ON callbacks (workspace) WHERE disabledAt IS NULL;
CREATE TABLE callback_secrets (workspace TEXT PRIMARY KEY, secrets TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- branch '': no branch was told. runCreatedAt: of the run that said so; an older one that ends later says nothing.
CREATE TABLE suite_states (
  workspace TEXT NOT NULL, suite TEXT NOT NULL, branch TEXT NOT NULL, state TEXT NOT NULL, runCreatedAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL, PRIMARY KEY (workspace, suite, branch)
) STRICT, WITHOUT ROWID;
CREATE INDEX suite_states_updated ON suite_states (updatedAt);

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, workspace TEXT NOT NULL, at INTEGER NOT NULL, content TEXT NOT NULL
) STRICT;

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, endpoint TEXT NOT NULL, callback TEXT, url TEXT, event TEXT NOT NULL,
  type TEXT NOT NULL, run TEXT, suite TEXT, state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts INTEGER NOT NULL, tries INTEGER NOT NULL, nextAt INTEGER, owner TEXT, lastStatus INTEGER, lastError TEXT,
  createdAt INTEGER NOT NULL, finishedAt INTEGER, body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX deliveries_once ON deliveries (event, endpoint);
CREATE INDEX deliveries_created ON deliveries (workspace, createdAt, id);
CREATE INDEX deliveries_callback ON deliveries (callback, createdAt, id) WHERE callback IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (nextAt) WHERE state = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint, nextAt) WHERE state = 'pending';
CREATE INDEX deliveries_finished ON deliveries (finishedAt) WHERE finishedAt IS NOT NULL;
CREATE TABLE attempts (
  delivery TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, durationMs INTEGER NOT NULL, status INTEGER,
  error TEXT, answer TEXT, PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_notices (key TEXT NOT NULL, days INTEGER NOT NULL, PRIMARY KEY (key, days)) STRICT, WITHOUT ROWID;
CREATE INDEX keys_expiring ON keys (expiresAt) WHERE revokedAt IS NULL AND expiresAt IS NOT NULL;

CREATE TABLE triggers (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, suite TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,
  events TEXT, branches TEXT, repositories TEXT, forks INTEGER NOT NULL, variables TEXT NOT NULL, callbackUrl TEXT,
  description TEXT, secrets TEXT NOT NULL, disabled INTEGER NOT NULL, createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX triggers_created ON triggers (workspace, createdAt, id);
-- token: the sender's own id of a webhook, or the digest of its body.
CREATE TABLE trigger_runs (
  trigger TEXT NOT NULL, token TEXT NOT NULL, run TEXT NOT NULL, createdAt INTEGER NOT NULL, PRIMARY KEY (trigger, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX trigger_runs_created ON trigger_runs (createdAt);
`
