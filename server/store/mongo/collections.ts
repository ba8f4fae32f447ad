import { type IndexFacts, NUMBER, on, STRING, unique } from './index-facts.ts'

interface CollectionFacts {
  readonly indexes: Readonly<Record<string, IndexFacts>>
  /** By what the operator shards it once it is large; every unique index begins with it. The others stay on one shard. */
  readonly shardKey?: Readonly<Record<string, 1 | 'hashed'>>
  /** The date from which on a document may go by itself: only what the sweepers left behind, days later. */
  readonly goneBy?: { field: string; keep?: 'logs' | 'runs' | 'audit' }
}

const QUEUED = { state: 'queued' }
const RUNNING = { state: 'running' }
const OPEN = { open: true }

/**
 * Every collection with its indexes. They are made at start; a test asserts that each hot query walks one of them. A unique
 * value that is given back some day is taken by an update, not with the insert: the MongoDB-compatible server that tests run
 * on remembers what came with an insert for as long as the document is there.
 */
export const COLLECTIONS = {
  meta: { indexes: {} },
  installation: { indexes: {} },
  signing_keys: { indexes: {} },
  users: {
    indexes: {
      email: unique({ emailFolded: 1 }, { emailFolded: STRING }),
      external_id: unique({ externalId: 1, externalIssuer: 1 }, { externalId: STRING }),
      created: on({ createdAt: -1, _id: -1 }),
      workspace: on({ workspace: 1, createdAt: -1, _id: -1 }),
      changed: on({ changedAt: 1 }),
    },
  },
  // With its members, so that the last owner cannot leave whatever comes at the same time.
  workspaces: {
    indexes: {
      member: on({ 'members.user': 1 }),
      changed: on({ 'members.changedAt': 1 }),
      deleted: on({ left: 1, deletedAt: 1 }, { left: true }),
    },
  },
  invitations: {
    indexes: { digest: unique({ digest: 1 }), expires: on({ expiresAt: 1 }), workspace: on({ workspace: 1 }) },
    goneBy: { field: 'gone' },
  },
  keys: {
    indexes: {
      digest: unique({ digest: 1 }),
      slot: unique({ user: 1, slot: 1 }, { slot: NUMBER }),
      replaces: unique({ replaces: 1 }, { replaces: STRING }),
      user: on({ user: 1, createdAt: -1, _id: -1 }),
      workspace: on({ workspace: 1, createdAt: -1, _id: -1 }),
      changed: on({ changedAt: 1 }),
      expires: on({ expiresAt: 1 }),
      news: on({ 'news.revokedAt': 1 }, { 'news.revokedAt': NUMBER }),
    },
  },
  workers: {
    indexes: {
      digest: unique({ digest: 1 }),
      workspace: on({ workspace: 1, revokedAt: 1, createdAt: -1, _id: -1 }),
      changed: on({ changedAt: 1 }),
      seen: on({ lastSeenAt: -1 }),
    },
  },
  revoked_tokens: {
    indexes: { changed: on({ changedAt: 1 }), expires: on({ expiresAt: 1 }) },
    goneBy: { field: 'gone' },
  },
  idempotency: {
    indexes: {
      expires: on({ expiresAt: 1 }),
      secret: on({ secretOf: 1 }, { secretOf: STRING }),
      body: on({ bodyUntil: 1 }, { sealedBody: STRING }),
    },
    goneBy: { field: 'gone' },
  },
  suites: {
    indexes: { name: unique({ workspace: 1, name: 1 }), created: on({ workspace: 1, createdAt: -1, _id: -1 }) },
  },
  revisions: {
    indexes: {
      number: unique({ workspace: 1, suite: 1, revision: 1 }),
      created: on({ workspace: 1, suite: 1, createdAt: -1, _id: -1 }),
      archive: on({ workspace: 1, archive: 1 }, { archive: STRING }),
    },
  },
  suite_secrets: { indexes: { suite: on({ workspace: 1, suite: 1, name: 1 }) } },
  archives: {
    indexes: {
      blob: on({ sha256: 1 }),
      workspace: on({ workspace: 1 }),
      unused: on({ lastUsedAt: 1 }, { pinned: false }),
    },
  },
  archive_room: { indexes: {} },
  // bucket: a number that follows from the workspace, so that a claim can ask one shard at a time.
  runs: {
    shardKey: { bucket: 1, workspace: 1 },
    indexes: {
      created: on({ bucket: 1, workspace: 1, createdAt: -1, _id: -1 }),
      suite: on({ bucket: 1, workspace: 1, suite: 1, createdAt: -1, _id: -1 }),
      state: on({ bucket: 1, workspace: 1, state: 1, createdAt: -1, _id: -1 }),
      suite_state: on({ bucket: 1, workspace: 1, suite: 1, state: 1, createdAt: -1, _id: -1 }),
      facts: on({ bucket: 1, workspace: 1, facts: 1, createdAt: -1, _id: -1 }),
      idempotency: unique({ bucket: 1, workspace: 1, idempotencyKey: 1 }, { idempotencyKey: STRING }),
      queue_slot: unique({ bucket: 1, workspace: 1, queueSlot: 1 }, { queueSlot: NUMBER }),
      workspace_slot: unique({ bucket: 1, workspace: 1, workspaceSlot: 1 }, { workspaceSlot: NUMBER }),
      suite_slot: unique({ bucket: 1, workspace: 1, suite: 1, suiteSlot: 1 }, { suiteSlot: NUMBER }),
      queue: on({ state: 1, createdAt: 1, _id: 1 }, QUEUED),
      queue_bucket: { ...on({ bucket: 1, state: 1, createdAt: 1, _id: 1 }, QUEUED), only: 'sharded' },
      lanes: { ...on({ state: 1, lane: 1, createdAt: 1, _id: 1 }, QUEUED), only: 'unsharded' },
      lanes_bucket: { ...on({ bucket: 1, state: 1, lane: 1, createdAt: 1, _id: 1 }, QUEUED), only: 'sharded' },
      queue_ends: on({ queueEndsAt: 1 }, QUEUED),
      lease_ends: on({ leaseEndsAt: 1 }, RUNNING),
      owner: on({ owner: 1 }, RUNNING),
      user_running: on({ state: 1, user: 1 }, RUNNING),
      abandon: on({ abandonAt: 1 }, { abandonAt: NUMBER }),
      archive: on({ bucket: 1, workspace: 1, archive: 1 }, OPEN),
      news: on({ newsAt: 1, _id: 1 }, { newsAt: NUMBER }),
      user_open: on({ user: 1, _id: 1 }, OPEN),
      finished: on({ finishedAt: 1 }, { finishedAt: NUMBER }),
      with_log: on({ hasLog: 1, finishedAt: 1 }, { hasLog: true }),
      with_artifacts: on({ hasArtifacts: 1, finishedAt: 1 }, { hasArtifacts: true }),
    },
  },
  cases: {
    shardKey: { run: 'hashed' },
    indexes: { order: on({ run: 1, attempt: 1, id: 1 }), state: on({ run: 1, attempt: 1, state: 1, id: 1 }) },
    goneBy: { field: 'at', keep: 'runs' },
  },
  run_log: {
    shardKey: { run: 'hashed' },
    indexes: { order: on({ run: 1, attempt: 1, seq: 1 }) },
    goneBy: { field: 'at', keep: 'logs' },
  },
  artifacts: {
    shardKey: { run: 'hashed' },
    indexes: { path: on({ run: 1, attempt: 1, path: 1 }), blob: on({ sha256: 1 }) },
  },
  replaced_blobs: { indexes: {} },
  callbacks: {
    indexes: {
      slot: unique({ workspace: 1, slot: 1 }, { slot: NUMBER }),
      created: on({ workspace: 1, createdAt: -1, _id: -1 }),
      active: on({ workspace: 1, disabledAt: 1 }),
      news: on({ news: 1 }, { news: true }),
    },
  },
  callback_secrets: { indexes: {} },
  suite_states: { indexes: { updated: on({ updatedAt: 1 }) } },
  // What was made into deliveries stays for a while, so that a node that is late does not bring it in again.
  outbox: {
    indexes: { order: on({ state: 1, seq: 1 }), seq: on({ seq: 1 }), done: on({ doneAt: 1 }, { doneAt: NUMBER }) },
  },
  key_notices: { indexes: {} },
  deliveries: {
    indexes: {
      once: unique({ event: 1, endpoint: 1 }),
      created: on({ workspace: 1, createdAt: -1, _id: -1 }),
      callback: on({ callback: 1, createdAt: -1, _id: -1 }),
      due: on({ state: 1, nextAt: 1 }, { state: 'pending' }),
      endpoint: on({ state: 1, endpoint: 1, nextAt: 1 }, { state: 'pending' }),
      owner: on({ owner: 1 }, { owner: STRING }),
      finished: on({ finishedAt: 1 }, { finishedAt: NUMBER }),
    },
  },
  triggers: {
    indexes: {
      slot: unique({ workspace: 1, slot: 1 }, { slot: NUMBER }),
      created: on({ workspace: 1, createdAt: -1, _id: -1 }),
    },
  },
  trigger_runs: { indexes: { created: on({ createdAt: 1 }) }, goneBy: { field: 'gone' } },
  audit: {
    indexes: {
      created: on({ createdAt: -1, _id: -1 }),
      workspace: on({ workspace: 1, createdAt: -1, _id: -1 }),
      user: on({ user: 1, createdAt: -1, _id: -1 }),
      credential: on({ credential: 1, createdAt: -1, _id: -1 }),
    },
    goneBy: { field: 'at', keep: 'audit' },
  },
  usage: {
    indexes: { day: on({ day: -1, user: -1 }), user: on({ user: 1, day: -1 }), key: on({ key: 1, day: -1, user: -1 }) },
  },
  run_quotas: { indexes: {}, goneBy: { field: 'gone' } },
} as const satisfies Record<string, CollectionFacts>

export type CollectionName = keyof typeof COLLECTIONS

export function factsOfCollection(name: CollectionName): CollectionFacts {
  return COLLECTIONS[name]
}
