import type { LogChunk, RunLog } from '../ports/run-log.ts'
import { checkSize, type Database, decoder, joined } from './database.ts'
import type { LogGroups } from './log-groups.ts'
import { removeLogs } from './removal.ts'

const record = decoder<LogChunk>(['attempt', 'seq', 'text'])

export function mongoRunLog(db: Database, groups: LogGroups): RunLog {
  return {
    async append({ run, attempt }, seq, text) {
      const chunk = { _id: joined(run, attempt, seq), run, attempt, seq, text }
      checkSize('run_log', chunk)
      return groups.append(chunk)
    },
    async read(run, attempt, afterSeq, limit) {
      const where = { run, attempt, seq: { $gt: afterSeq } }
      return (await db.collection('run_log').find(where).sort({ seq: 1 }).limit(limit).toArray()).map(record)
    },
    removeOlder: (finishedBefore, limit) => removeLogs(db, finishedBefore, limit),
  }
}
