import type { CollectionName } from '../mongo/collections.ts'
import type { Doc } from '../mongo/database.ts'
import { runDoc } from './run-doc.ts'

/** How the rows of SQLite become the documents of a collection. The columns are named like the fields, `_id` included. */
export interface Reading {
  readonly sql: string
  /** Texts that are JSON in SQLite and values in MongoDB. */
  readonly json?: readonly string[]
  /** 0 and 1 that are false and true. */
  readonly flags?: readonly string[]
  /** Milliseconds that are dates: what TTL indexes look at. */
  readonly dates?: readonly string[]
  /** Left out where they are null. */
  readonly optional?: readonly string[]
  /** What SQL does not say. */
  readonly shape?: (doc: Doc) => Doc
}

/** A number below the count of those that share a limit: what MongoDB holds limits by (store/mongo/places.ts). */
const slot = (among: string, id = 'id') => `row_number() OVER (PARTITION BY ${among} ORDER BY ${id}) - 1`

/** The collections that are made of tables, in an order that names nothing before it is there. */
export const READINGS: Partial<Record<CollectionName, Reading>> = {
  installation: { sql: `SELECT name AS _id, value FROM installation WHERE name NOT IN ('ping', 'embedded-worker')` },
  signing_keys: {
    sql: 'SELECT id AS _id, algorithm, publicKey, sealedPrivateKey, activeAt, retiredAt, createdAt FROM signing_keys',
  },
  users: {
    sql: `SELECT id AS _id, kind, externalId, externalIssuer, email, emailFolded, name, metadata, limits, workspace, admin,
      disabled, deletedAt, createdAt, changedAt FROM users`,
    json: ['limits'],
    flags: ['admin', 'disabled'],
  },
  workspaces: {
    sql: `SELECT id AS _id, name, deletedAt, createdAt, emptiedAt,
        CASE WHEN deletedAt IS NOT NULL AND emptiedAt IS NULL THEN 'true' END AS left,
        (SELECT json_group_array(json_object('user', m.user, 'kind', u.kind, 'role', m.role, 'createdAt', m.createdAt,
            'changedAt', m.changedAt) ORDER BY m.user)
          FROM memberships m JOIN users u ON u.id = m.user WHERE m.workspace = workspaces.id) AS members
      FROM workspaces`,
    json: ['members', 'left'],
    optional: ['emptiedAt', 'left'],
  },
  invitations: {
    sql: `SELECT id AS _id, workspace, role, email, digest, createdBy, createdAt, expiresAt, acceptedAt,
      expiresAt AS gone FROM invitations`,
    dates: ['gone'],
  },
  keys: {
    sql: `SELECT id AS _id, user, workspace, name, description, scopes, suites, allowedIps, audiences, limits, replaces,
        endsReplaced, NULL AS replacedEndsAt, (SELECT s.id FROM keys s WHERE s.replaces = keys.id) AS replacedBy, digest,
        "start", "end", createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedFrom, changedAt,
        CASE WHEN revokedAt IS NULL THEN ${slot('user, revokedAt IS NULL')} END AS slot
      FROM keys`,
    json: ['scopes', 'suites', 'allowedIps', 'audiences', 'limits'],
    flags: ['endsReplaced'],
    optional: ['slot'],
  },
  workers: {
    sql: `SELECT id AS _id, nullif(workspace, '') AS workspace, name, labels, digest, "start", "end", createdBy, createdAt,
        revokedAt, changedAt, lastSeenAt, CASE WHEN said IS NOT NULL THEN json_object('labels', said -> '$.labels',
          'runner', said -> '$.runner', 'version', said -> '$.version') END AS said
      FROM workers`,
    json: ['labels', 'said'],
  },
  revoked_tokens: {
    sql: 'SELECT id AS _id, expiresAt, changedAt AS createdAt, changedAt, expiresAt AS gone FROM revoked_tokens',
    dates: ['gone'],
  },
  // A request that was under way when the server stopped has no answer to repeat.
  idempotency: {
    sql: `SELECT workspace || '/' || caller || '/' || key AS _id, meaning, status, sealedBody, secretOf, completedAt,
      bodyUntil, expiresAt, expiresAt AS gone FROM idempotency WHERE status IS NOT NULL`,
    dates: ['gone'],
  },
  archives: {
    sql: `SELECT workspace || '/' || sha256 AS _id, workspace, sha256, bytes, filesDigest, revisions > 0 AS pinned,
      createdAt, lastUsedAt FROM archives`,
    flags: ['pinned'],
  },
  archive_room: {
    sql: `SELECT workspace AS _id, sum(bytes) AS bytes, '[]' AS pending FROM archives GROUP BY workspace`,
    json: ['pending'],
  },
  suites: {
    sql: `SELECT id AS _id, workspace, name, revision, digest, definition, repository, locked, createdAt, updatedAt
      FROM suites`,
    flags: ['locked'],
  },
  revisions: {
    sql: `SELECT id AS _id, workspace, suite, revision, digest, archive, source, createdAt, createdBy, definition
      FROM revisions`,
  },
  suite_secrets: {
    sql: `SELECT workspace || '/' || suite || '/' || name AS _id, workspace, suite, name, sealedValue, createdAt, updatedAt
      FROM suite_secrets`,
  },
  // Without slots: who claims counts what runs and what waits, whether it holds one or not.
  runs: {
    sql: `SELECT id AS _id, workspace, suite, state, version, attempt, lostLeases, artifacts, createdAt, startedAt,
        finishedAt, owner, leaseEndsAt, queueEndsAt, watchedAt, abandonAt, cancelReason, cancelMessage, hasLog, hasArtifacts,
        archive, idempotencyKey, idempotencyMeaning, user, results, reason, sealedSecrets, request,
        CASE WHEN state = 'running' THEN (SELECT coalesce(max(id), 0) FROM cases c
          WHERE c.run = runs.id AND c.attempt = runs.attempt) END AS caseCount,
        CASE WHEN state = 'running' THEN (SELECT json_group_array(seq ORDER BY seq) FROM case_blocks b
          WHERE b.run = runs.id AND b.attempt = runs.attempt) END AS caseBlocks,
        CASE WHEN state = 'running' THEN (SELECT coalesce(max(seq), 0) FROM run_log l
          WHERE l.run = runs.id AND l.attempt = runs.attempt) END AS logSeq
      FROM runs`,
    json: ['results', 'reason', 'caseBlocks'],
    flags: ['hasLog', 'hasArtifacts'],
    optional: [
      ...['owner', 'leaseEndsAt', 'abandonAt', 'cancelMessage', 'idempotencyKey', 'idempotencyMeaning', 'user'],
      ...['caseCount', 'caseBlocks', 'logSeq'],
    ],
    shape: runDoc,
  },
  cases: {
    sql: `SELECT c.run || '/' || c.attempt || '/' || c.id AS _id, c.run, c.attempt, c.id, c.content,
      coalesce(r.finishedAt, r.startedAt, r.createdAt) AS at FROM cases c JOIN runs r ON r.id = c.run`,
    json: ['content'],
    dates: ['at'],
    shape: ({ content, ...doc }) => ({ ...content, ...doc }) as Doc,
  },
  run_log: {
    sql: `SELECT l.run || '/' || l.attempt || '/' || l.seq AS _id, l.run, l.attempt, l.seq, l.text,
      coalesce(r.finishedAt, r.startedAt, r.createdAt) AS at FROM run_log l JOIN runs r ON r.id = l.run`,
    dates: ['at'],
  },
  artifacts: {
    sql: `SELECT run || '/' || attempt || '/' || path AS _id, run, attempt, path, bytes, sha256 FROM artifacts`,
  },
  replaced_blobs: { sql: 'SELECT sha256 AS _id FROM replaced_blobs' },
  callbacks: {
    sql: `SELECT id AS _id, workspace, target, events, suites, branches, description, secrets, failingSince, disabledAt,
      disabledReason, createdAt, updatedAt, ${slot('workspace')} AS slot FROM callbacks`,
    json: ['target', 'events', 'suites', 'branches', 'secrets'],
  },
  callback_secrets: { sql: 'SELECT workspace AS _id, secrets FROM callback_secrets', json: ['secrets'] },
  suite_states: {
    sql: `SELECT workspace || '/' || suite || '/' || json_quote(branch) AS _id, workspace, state, NULL AS run, runCreatedAt,
      updatedAt, NULL AS "from" FROM suite_states`,
  },
  outbox: { sql: `SELECT 'sqlite/' || seq AS _id, seq, 'open' AS state, workspace, at, content FROM outbox` },
  key_notices: { sql: 'SELECT key AS _id, min(days) AS days FROM key_notices GROUP BY key' },
  deliveries: {
    sql: `SELECT id AS _id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries, nextAt,
        NULL AS owner, lastStatus, lastError, createdAt, finishedAt,
        (SELECT body FROM payloads WHERE payloads.id = payload) AS body, attempted
      FROM deliveries`,
    json: ['attempted'],
  },
  triggers: {
    sql: `SELECT id AS _id, workspace, suite, kind, source, events, branches, repositories, forks, variables, callbackUrl,
      description, secrets, disabled, createdAt, updatedAt, ${slot('workspace')} AS slot FROM triggers`,
    json: ['events', 'branches', 'repositories', 'secrets'],
    flags: ['forks', 'disabled'],
  },
  trigger_runs: {
    sql: `SELECT trigger || '/' || token AS _id, run, createdAt, createdAt + 86400000 AS gone FROM trigger_runs`,
    dates: ['gone'],
  },
  audit: {
    sql: `SELECT id AS _id, action, outcome, workspace, user, credential, address, requestId, target, detail, createdAt,
      createdAt AS at FROM audit`,
    dates: ['at'],
  },
  usage: {
    sql: `SELECT day || '/' || user || '/' || key AS _id, calls, exchanges, runs, runMs, day, user, key FROM usage`,
  },
}

/** A row as the document that it becomes. */
export function documentOf(row: Record<string, unknown>, reading: Reading): Doc {
  const { json = [], flags = [], dates = [], optional = [], shape } = reading
  const doc: Record<string, unknown> = { ...row }
  for (const name of json) if (typeof doc[name] === 'string') doc[name] = JSON.parse(doc[name])
  for (const name of flags) doc[name] = doc[name] === 1
  for (const name of dates) doc[name] = new Date(doc[name] as number)
  for (const name of optional) if (doc[name] === null) delete doc[name]
  return shape ? shape(doc as Doc) : (doc as Doc)
}
