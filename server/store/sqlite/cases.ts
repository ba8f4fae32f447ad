import type { Case } from '../../../contract/cases.ts'
import type { Cases } from '../ports/cases.ts'
import type { Database } from './database.ts'
import { heldRun } from './run-record.ts'

const OF_ATTEMPT = 'run = :run AND attempt = :attempt'
export const CASES_SQL = {
  takeBlock: 'INSERT INTO case_blocks (run, attempt, seq) VALUES (:run, :attempt, :seq) ON CONFLICT DO NOTHING',
  last: `SELECT max(id) AS id FROM cases WHERE ${OF_ATTEMPT}`,
  insert: 'INSERT INTO cases (run, attempt, id, state, content) VALUES (:run, :attempt, :id, :state, :content)',
  list: `SELECT id, content FROM cases WHERE ${OF_ATTEMPT} AND id > :afterId ORDER BY id LIMIT :limit`,
  listOfState: `SELECT id, content FROM cases WHERE ${OF_ATTEMPT} AND state = :state AND id > :afterId ORDER BY id LIMIT :limit`,
}

export function sqliteCases(db: Database): Cases {
  return {
    append: ({ run, attempt }, seq, cases) =>
      db.write(() => {
        if (!heldRun(db, { run, attempt })) return 'lost'
        if (db.run(CASES_SQL.takeBlock, { run, attempt, seq }) === 0) return 'accepted'
        let id = Number(db.get(CASES_SQL.last, { run, attempt })?.id ?? 0)
        for (const content of cases) db.run(CASES_SQL.insert, { run, attempt, id: ++id, state: content.state, content })
        return 'accepted'
      }),
    async list(run, attempt, query) {
      const rows = db.all(query.state ? CASES_SQL.listOfState : CASES_SQL.list, { run, attempt, ...query })
      return rows.map(({ id, content }): Case => ({ id: Number(id), ...JSON.parse(content as string) }))
    },
  }
}
