import type { Collection, Document } from 'mongodb'
import { ofLog, ofRun, type WakeTopic } from './wake.ts'

export type RunCollection = Collection<Document & { _id: string }>

/** Ids that one query asks for. */
const AT_ONCE = 1000
const SEEN = { version: 1, cancelReason: 1, attempt: 1, logSeq: 1 }

/** Looks at all waited-on runs with one bounded query, and remembers how they were. */
export function runPoll(runs: RunCollection, waited: () => Iterable<WakeTopic>) {
  const known = new Map<WakeTopic, string>()
  /** Runs that changed by a look, and of which a working stream tells soon, too. */
  let unheard = new Set<string>()
  let heardSince = new Set<string>()

  return {
    /** A stream told of the run. */
    heard(id: string): void {
      unheard.delete(id)
      heardSince.add(id)
    },
    forget(topic: WakeTopic): void {
      known.delete(topic)
    },
    /**
     * The topics of which something changed, or that are seen for the first time: their change may have come before.
     * `missed`: a change that the last look found was told by no stream since. `alone`: there is no stream that tells of the
     * queue, so whoever waits for it is woken as long as there is something in it.
     */
    async look(alone: boolean): Promise<{ changed: WakeTopic[]; missed: boolean }> {
      const missed = unheard.size > 0
      const heard = heardSince
      unheard = new Set()
      heardSince = new Set()
      const topics = new Set(waited())
      const ids = new Set([...topics].filter((topic) => topic !== 'queue').map((topic) => topic.replace(/^log:/, '')))
      const changed: WakeTopic[] = []
      for (const batch of batches([...ids])) {
        for (const run of await runs.find({ _id: { $in: batch } }, { projection: SEEN }).toArray()) {
          const states = [
            [ofRun(run._id), `${run.version} ${run.cancelReason}`],
            [ofLog(run._id), `${run.attempt} ${run.logSeq}`],
          ] as const
          for (const [topic, state] of states) {
            const before = known.get(topic)
            if (!topics.has(topic) || before === state) continue
            known.set(topic, state)
            changed.push(topic)
            if (before !== undefined && !heard.has(run._id) && !heardSince.has(run._id)) unheard.add(run._id)
          }
        }
      }
      if (alone && topics.has('queue') && (await runs.findOne({ state: 'queued' }, { projection: { _id: 1 } }))) {
        changed.push('queue')
      }
      return { changed, missed }
    },
  }
}

function* batches(ids: string[]): Generator<string[]> {
  for (let i = 0; i < ids.length; i += AT_ONCE) yield ids.slice(i, i + AT_ONCE)
}
