import { WORKER_SEEN_EVERY_MS } from '../ports/times.ts'
import type { WorkerRecord, Workers } from '../ports/workers.ts'
import { type Database, decoder, PAGE, pageValues, type Row } from './database.ts'

/** Instead of NULL, so that shared ones are found by the same index. */
const SHARED = ''

const COLUMNS = `id, workspace, name, labels, digest, "start", "end", createdBy, createdAt, revokedAt, lastSeenAt, said`
export const WORKERS_SQL = {
  insert: `INSERT INTO workers (${COLUMNS}, changedAt) VALUES (:id, :workspace, :name, :labels, :digest, :start, :end,
    :createdBy, :now, NULL, NULL, NULL, :now)`,
  findByDigest: `SELECT ${COLUMNS} FROM workers WHERE digest = :digest`,
  get: `SELECT ${COLUMNS} FROM workers WHERE id = :id`,
  list: `SELECT ${COLUMNS} FROM workers WHERE workspace = :workspace AND revokedAt IS NULL AND ${PAGE}`,
  revoke: 'UPDATE workers SET revokedAt = :now, changedAt = :now WHERE id = :id AND revokedAt IS NULL',
  revokeAll: 'UPDATE workers SET revokedAt = :now, changedAt = :now WHERE workspace = :id AND revokedAt IS NULL',
  markSeen: 'UPDATE workers SET lastSeenAt = :now, said = :said WHERE id = :id',
  seenSince: `SELECT ${COLUMNS} FROM workers WHERE lastSeenAt >= :time AND revokedAt IS NULL ORDER BY lastSeenAt DESC LIMIT :limit`,
}
const columns = decoder<WorkerRecord>({ json: ['labels', 'said'] })
const record = (row: Row): WorkerRecord => {
  const worker = columns(row)
  return { ...worker, workspace: worker.workspace === SHARED ? null : worker.workspace }
}

export function sqliteWorkers(db: Database): Workers {
  const find = (sql: string, values: object) => {
    const row = db.get(sql, { ...values })
    return row && record(row)
  }
  return {
    create: (worker) =>
      db.write(() => {
        db.run(WORKERS_SQL.insert, { ...worker, workspace: worker.workspace ?? SHARED, now: db.now() })
        return find(WORKERS_SQL.get, worker)!
      }),
    findByDigest: async (digest) => find(WORKERS_SQL.findByDigest, { digest }),
    get: async (id) => find(WORKERS_SQL.get, { id }),
    async list({ workspace, shared }, page) {
      const lists = [workspace, ...(shared ? [SHARED] : [])].map((of) =>
        db.all(WORKERS_SQL.list, { workspace: of, ...pageValues(page) }).map(record),
      )
      return lists.flat().sort(newestFirst).slice(0, page.limit)
    },
    revoke: (id) =>
      db.write(() => {
        db.run(WORKERS_SQL.revoke, { id, now: db.now() })
        return find(WORKERS_SQL.get, { id })
      }),
    async markSeen(id, said) {
      const worker = find(WORKERS_SQL.get, { id })
      if (!worker) return
      const isNew = said !== undefined && !isSame(said, worker.said)
      const seenLately = worker.lastSeenAt !== null && Math.abs(db.now() - worker.lastSeenAt) < WORKER_SEEN_EVERY_MS
      if (isNew || !seenLately)
        await db.write(() => db.run(WORKERS_SQL.markSeen, { id, said: said ?? worker.said, now: db.now() }))
    },
    seenSince: async (time, limit) => db.all(WORKERS_SQL.seenSince, { time, limit }).map(record),
  }
}

function newestFirst(a: WorkerRecord, b: WorkerRecord): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
}

function isSame(a: NonNullable<WorkerRecord['said']>, b: WorkerRecord['said']): boolean {
  return b !== null && a.runner === b.runner && a.version === b.version && a.labels.join() === b.labels.join()
}
