import { WEBHOOK_KNOWN_MS } from '../ports/times.ts'
import type { TriggerRecord, Triggers } from '../ports/triggers.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { rotated } from './secrets.ts'

const COLUMNS = `id, workspace, suite, kind, source, events, branches, repositories, forks, variables, callbackUrl,
  description, secrets, disabled, createdAt, updatedAt`
export const TRIGGERS_SQL = {
  count: 'SELECT count(*) AS n FROM triggers WHERE workspace = :workspace',
  insert: `INSERT INTO triggers (${COLUMNS}) VALUES (:id, :workspace, :suite, :kind, :source, :events, :branches, :repositories,
    :forks, :variables, :callbackUrl, :description, :secrets, :disabled, :now, :now)`,
  get: `SELECT ${COLUMNS} FROM triggers WHERE id = :id`,
  list: `SELECT ${COLUMNS} FROM triggers WHERE workspace = :workspace AND ${PAGE}`,
  update: `UPDATE triggers SET events = :events, branches = :branches, repositories = :repositories, forks = :forks,
    variables = :variables, callbackUrl = :callbackUrl, description = :description, secrets = :secrets,
    disabled = :disabled, updatedAt = :now WHERE id = :id`,
  delete: 'DELETE FROM triggers WHERE id = :id',
  runOf: 'SELECT run FROM trigger_runs WHERE trigger = :trigger AND token = :token AND createdAt > :since',
  noteRun: `INSERT INTO trigger_runs (trigger, token, run, createdAt) VALUES (:trigger, :token, :run, :now)
    ON CONFLICT DO UPDATE SET run = excluded.run, createdAt = excluded.createdAt`,
  old: 'SELECT trigger, token FROM trigger_runs WHERE createdAt <= :before ORDER BY createdAt LIMIT :limit',
  forget: 'DELETE FROM trigger_runs WHERE trigger = :trigger AND token = :token',
}
const record = decoder<TriggerRecord>({
  json: ['events', 'branches', 'repositories', 'variables', 'secrets'],
  flags: ['forks', 'disabled'],
})

export function sqliteTriggers(db: Database): Triggers {
  function get(id: string): TriggerRecord | undefined {
    const row = db.get(TRIGGERS_SQL.get, { id })
    return row && record(row)
  }
  function update(id: string, change: Partial<TriggerRecord>): TriggerRecord | undefined {
    const trigger = get(id)
    if (!trigger) return undefined
    db.run(TRIGGERS_SQL.update, { ...trigger, ...change, now: db.now() })
    return get(id)
  }

  return {
    create: (trigger, max) =>
      db.write(() => {
        if (Number(db.get(TRIGGERS_SQL.count, { workspace: trigger.workspace })!.n) >= max) return 'too_many'
        db.run(TRIGGERS_SQL.insert, { ...trigger, now: db.now() })
        return get(trigger.id)!
      }),
    get: async (id) => get(id),
    list: async (workspace, page) => db.all(TRIGGERS_SQL.list, { workspace, ...pageValues(page) }).map(record),
    update: (id, change) => db.write(() => update(id, change)),
    rotate: (id, sealed, oldUntil) =>
      db.write(() => {
        const trigger = get(id)
        return trigger && update(id, { secrets: rotated(trigger.secrets, sealed, oldUntil, db.now()) })
      }),
    delete: (id) => db.write(() => db.run(TRIGGERS_SQL.delete, { id }) > 0),
    async runOf(trigger, tokens) {
      for (const token of tokens) {
        const row = db.get(TRIGGERS_SQL.runOf, { trigger, token, since: db.now() - WEBHOOK_KNOWN_MS })
        if (row) return row.run as string
      }
      return undefined
    },
    noteRun: (trigger, tokens, run) =>
      db.write(() => {
        for (const token of tokens) db.run(TRIGGERS_SQL.noteRun, { trigger, token, run, now: db.now() })
      }),
    expire: (limit) =>
      db.write(() => {
        const old = db.all(TRIGGERS_SQL.old, { before: db.now() - WEBHOOK_KNOWN_MS, limit })
        for (const row of old) db.run(TRIGGERS_SQL.forget, row)
        return old.length
      }),
  }
}
