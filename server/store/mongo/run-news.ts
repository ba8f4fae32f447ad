import type { RunSnapshot } from '../ports/outbox.ts'
import { shownOf } from '../ports/run-rules.ts'
import type { Database, Doc } from './database.ts'
import { runRecord } from './run-record.ts'

/** What a run tells of: kept in its own document, in the write in which it happens, until it is in the outbox. */
export interface RunNews extends Pick<RunSnapshot, (typeof AT_THE_TIME)[number]> {
  readonly type: 'run.queued' | 'run.started' | 'run.finished'
  readonly at: number
}

/** What changes of a run: as it was at that moment. */
const AT_THE_TIME = [
  ...([
    'state',
    'version',
    'attempt',
    'lostLeases',
    'startedAt',
    'finishedAt',
    'results',
    'reason',
    'artifacts',
  ] as const),
]

/** What a run that is made tells of, as fields of its document. */
export function toldAtFirst(run: Doc, at: number): { news: RunNews[]; newsAt: number } {
  const then = Object.fromEntries(AT_THE_TIME.map((name) => [name, run[name]]))
  return { news: [{ type: 'run.queued', at, ...then } as RunNews], newsAt: at }
}

/** The last stage of an update that is news. Whether anybody listens is asked later, off the run's way. */
export function telling(db: Database, type: RunNews['type']): object {
  const fields = AT_THE_TIME.map((name) => [name, `$${name}`])
  const one = { type, at: db.now(), ...Object.fromEntries(fields) }
  return { $set: { news: { $concatArrays: [{ $ifNull: ['$news', []] }, [one]] }, newsAt: db.now() } }
}

/** The run as it was at the moment of the news. */
export function snapshotOf(run: Doc, { type: _type, at: _at, ...then }: RunNews): RunSnapshot {
  return shownOf({ ...runRecord(run), ...then })
}
