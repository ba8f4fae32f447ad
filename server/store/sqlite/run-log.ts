import type { LogChunk, RunLog } from '../ports/run-log.ts'
import { type Database, decoder } from './database.ts'
import { removeLogs } from './removal.ts'
import { heldRun } from './run-record.ts'

export const RUN_LOG_SQL = {
  append: `INSERT INTO run_log (run, attempt, seq, text) VALUES (:run, :attempt, :seq, :text) ON CONFLICT DO NOTHING`,
  begun: 'UPDATE runs SET hasLog = 1 WHERE id = :run',
  read: `SELECT attempt, seq, text FROM run_log WHERE run = :run AND attempt = :attempt AND seq > :afterSeq
    ORDER BY seq LIMIT :limit`,
}
const record = decoder<LogChunk>({})

export function sqliteRunLog(db: Database): RunLog {
  return {
    append: ({ run, attempt }, seq, text) =>
      db.write(() => {
        const held = heldRun(db, { run, attempt })
        if (!held) return 'lost'
        db.run(RUN_LOG_SQL.append, { run, attempt, seq, text })
        if (held.hasLog === 0) db.run(RUN_LOG_SQL.begun, { run })
        return 'accepted'
      }, 'patient'),
    read: async (run, attempt, afterSeq, limit) =>
      db.all(RUN_LOG_SQL.read, { run, attempt, afterSeq, limit }).map(record),
    removeOlder: (finishedBefore, limit) => removeLogs(db, finishedBefore, limit),
  }
}
