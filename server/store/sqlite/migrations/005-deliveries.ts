/**
 * A delivery costs as few steps in trees as can be: what is sent is kept once for an event and apart from what changes, its
 * attempts are a list of its own row, and who sends it is known in memory (store/sqlite/delivery-claims.ts).
 */
export const deliveries = `
CREATE TABLE payloads (id INTEGER PRIMARY KEY, event TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX payloads_event ON payloads (event);
INSERT INTO payloads (id, event, body) SELECT rowid, event, body FROM deliveries;

CREATE TABLE deliveries_5 (
  id TEXT PRIMARY KEY, workspace TEXT NOT NULL, endpoint TEXT NOT NULL, callback TEXT, url TEXT, event TEXT NOT NULL,
  type TEXT NOT NULL, run TEXT, suite TEXT, state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts INTEGER NOT NULL, tries INTEGER NOT NULL, nextAt INTEGER, lastStatus INTEGER, lastError TEXT,
  createdAt INTEGER NOT NULL, finishedAt INTEGER, payload INTEGER NOT NULL, attempted TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries_5 SELECT id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries,
  nextAt, lastStatus, lastError, createdAt, finishedAt, rowid,
  (SELECT json_group_array(json_object('number', number, 'at', at, 'durationMs', durationMs, 'status', status, 'error', error,
      'answer', answer) ORDER BY number)
    FROM attempts WHERE delivery = deliveries.id AND number > deliveries.attempts - 200)
  FROM deliveries;
DROP TABLE attempts;
DROP TABLE deliveries;
ALTER TABLE deliveries_5 RENAME TO deliveries;
CREATE UNIQUE INDEX deliveries_once ON deliveries (event, endpoint);
CREATE INDEX deliveries_created ON deliveries (workspace, createdAt, id);
CREATE INDEX deliveries_callback ON deliveries (callback, createdAt, id) WHERE callback IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (nextAt) WHERE state = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint, nextAt) WHERE state = 'pending';
CREATE INDEX deliveries_finished ON deliveries (finishedAt) WHERE finishedAt IS NOT NULL;
`
