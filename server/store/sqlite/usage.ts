import type { Usage, UsageRecord } from '../ports/usage.ts'
import { type Database, decoder } from './database.ts'

const SUMS = 'sum(calls) AS calls, sum(exchanges) AS exchanges, sum(runs) AS runs, sum(runMs) AS runMs'
const LINES = `day >= :since AND day < :until AND (day, user) < (:beforeDay, :beforeUser)
  GROUP BY day, user ORDER BY day DESC, user DESC LIMIT :limit`
export const USAGE_SQL = {
  add: `INSERT INTO usage (day, user, key, calls, exchanges) VALUES (:day, :user, :key, :calls, :exchanges)
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, exchanges = exchanges + excluded.exchanges`,
  callsOf: 'SELECT sum(calls) AS n FROM usage WHERE key = :key AND day = :day',
  list: `SELECT day, user, ${SUMS} FROM usage WHERE ${LINES}`,
  listOfUser: `SELECT day, user, ${SUMS} FROM usage INDEXED BY usage_user WHERE user = :user AND ${LINES}`,
  listOfKey: `SELECT day, user, ${SUMS} FROM usage INDEXED BY usage_key WHERE key = :key AND +user = coalesce(:user, user)
    AND ${LINES}`,
}
const record = decoder<UsageRecord>({})

export function sqliteUsage(db: Database): Usage {
  return {
    add: (additions) =>
      db.write(() => {
        for (const addition of additions) db.run(USAGE_SQL.add, { ...addition })
      }),
    callsOf: async (key, day) => Number(db.get(USAGE_SQL.callsOf, { key, day })?.n ?? 0),
    async list({ user, key, since, until }, { limit, after }) {
      const sql = key !== undefined ? USAGE_SQL.listOfKey : user !== undefined ? USAGE_SQL.listOfUser : USAGE_SQL.list
      // Days sort as text, and no day sorts after a tilde.
      const bounds = {
        since: since ?? '',
        until: until ?? '~',
        beforeDay: after?.day ?? '~',
        beforeUser: after?.user ?? '',
      }
      return db.all(sql, { user, key, limit, ...bounds }).map(record)
    },
  }
}
