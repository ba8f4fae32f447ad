import type { Audit, AuditFilter, AuditRecord } from '../ports/audit.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'

const COLUMNS = 'id, createdAt, action, outcome, workspace, user, credential, address, requestId, target, detail'
export const AUDIT_SQL = {
  insert: `INSERT INTO audit (${COLUMNS}) VALUES (:id, :now, :action, :outcome, :workspace, :user, :credential, :address,
    :requestId, :target, :detail)`,
  removeOlder: `DELETE FROM audit WHERE rowid IN
    (SELECT rowid FROM audit WHERE createdAt < :createdBefore ORDER BY createdAt LIMIT :limit)`,
}
const record = decoder<AuditRecord>({ json: ['detail'] })

const CONDITIONS: Record<keyof Omit<AuditFilter, 'since' | 'until'>, string> = {
  credential: 'credential = :credential',
  user: 'user = :user',
  workspace: 'workspace = :workspace',
  action: '+action = :action',
}
/** The first that a filter has leads: its index is walked, newest first, and the rest is checked line by line. */
const LEADS = ['credential', 'user', 'workspace'] as const

export function auditListSql(filtered: ReadonlySet<keyof AuditFilter>): string {
  const lead = LEADS.find((name) => filtered.has(name))
  const conditions = (Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[])
    .filter((name) => filtered.has(name))
    .map((name) => (name === lead ? CONDITIONS[name] : CONDITIONS[name].replace(/^\+?/, '+')))
  const index = lead === undefined ? 'audit_created' : `audit_${lead}`
  return `SELECT ${COLUMNS} FROM audit INDEXED BY ${index} WHERE ${[...conditions, 'createdAt >= :since', PAGE].join(' AND ')}`
}

export function sqliteAudit(db: Database): Audit {
  return {
    append: (events) =>
      db.write(() => {
        for (const event of events) db.run(AUDIT_SQL.insert, { ...event, now: db.now() })
      }),
    async list(filter, page) {
      const filtered = new Set(Object.keys(filter) as (keyof AuditFilter)[])
      for (const name of filtered) if (filter[name] === undefined) filtered.delete(name)
      const values = { ...filter, since: filter.since ?? 0, ...pageValues(page) }
      // Ids are never empty, so (until, '') is the end of what was noted before `until`.
      if (filter.until !== undefined && filter.until <= values.beforeAt) {
        Object.assign(values, { beforeAt: filter.until, beforeId: '' })
      }
      return db.all(auditListSql(filtered), values).map(record)
    },
    removeOlder: (createdBefore, limit) => db.write(() => db.run(AUDIT_SQL.removeOlder, { createdBefore, limit })),
  }
}
