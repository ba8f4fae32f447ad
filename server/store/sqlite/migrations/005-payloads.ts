/** What is sent apart from how it is delivered: one event goes to many callbacks, and its row is written at each step. */
export const payloads = `
CREATE TABLE payloads (id INTEGER PRIMARY KEY, event TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX payloads_event ON payloads (event);
INSERT INTO payloads (id, event, body) SELECT rowid, event, body FROM deliveries;
ALTER TABLE deliveries ADD COLUMN payload INTEGER;
UPDATE deliveries SET payload = rowid;
ALTER TABLE deliveries DROP COLUMN body;
`
