import type { ChangeStream, Document } from 'mongodb'
import { localWake } from './local.ts'
import { type RunCollection, runPoll } from './run-poll.ts'
import { ofLog, ofRun, type Wake, type WakeTopic } from './wake.ts'

export interface ChangeStreamOptions {
  readonly runs: RunCollection
  /** Calls back once after so many milliseconds of real time; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void
  /** What an operator should know: that changes are polled for, and why; that they are listened to again. */
  readonly onNote: (note: string) => void
  readonly checkMs?: number
}

/** How often waited-on runs are looked at: alone, and beside a stream, which is nearly always faster. */
const POLL_MS = 500
const CHECK_MS = 900
const REOPEN_MS = 1000
/** A getMore waits so long for the next change. */
const AWAIT_MS = 1000

/** Only what somebody may wait for: a lease that is prolonged wakes nobody, and no content is sent. */
const updated = (field: string) => `updateDescription.updatedFields.${field}`
const PIPELINE = [
  {
    $match: {
      $or: [
        { operationType: 'insert' },
        ...['version', 'cancelReason', 'logSeq'].map((field) => ({ [updated(field)]: { $exists: true } })),
      ],
    },
  },
  {
    $project: {
      ...{ operationType: 1, documentKey: 1 },
      ...Object.fromEntries(['version', 'state', 'cancelReason', 'logSeq'].map((field) => [updated(field), 1])),
    },
  },
]

/** The server's codes of a stream that cannot be: no replica set; an oplog that goes no further back than this. */
const NO_REPLICA_SET = 40573
const HISTORY_LOST = new Set<unknown>([286, 280, 260])

/**
 * Wakes over processes: one change stream on the runs, fanned out in memory. Where there is none (no replica set, broken,
 * lost its place, silent) one bounded query for all waited-on runs every half second takes its place, until it is back.
 */
export function changeStreamWake(options: ChangeStreamOptions): Wake {
  const { runs, onNote } = options
  const local = localWake()
  const waited = new Map<WakeTopic, number>()
  const poll = runPoll(runs, () => waited.keys())
  let stream: ChangeStream | undefined
  let streaming = false
  let told: string | undefined
  let resumeAfter: unknown
  let closed = false
  const timers = new Set<() => void>()

  function later(ms: number, callback: () => void) {
    if (closed) return
    const cancel = options.after(ms, () => {
      timers.delete(cancel)
      if (!closed) callback()
    })
    timers.add(cancel)
  }

  function note(text: string) {
    if (told !== text && !closed) onNote(text)
    told = text
  }

  const wakeAll = () => {
    for (const topic of waited.keys()) local.publish(topic)
  }

  function heard({ operationType, documentKey, updateDescription }: Document) {
    const fields = updateDescription?.updatedFields ?? {}
    const id = documentKey._id as string
    poll.heard(id)
    if ('version' in fields || 'cancelReason' in fields) local.publish(ofRun(id))
    if ('logSeq' in fields) local.publish(ofLog(id))
    if (operationType === 'insert' || 'state' in fields) local.publish('queue')
  }

  async function listen(): Promise<void> {
    const own = runs.watch(PIPELINE, { maxAwaitTimeMS: AWAIT_MS, ...(resumeAfter ? { resumeAfter } : {}) })
    stream = own
    try {
      while (!closed && stream === own) {
        const change = await own.tryNext()
        resumeAfter = own.resumeToken
        if (!streaming && stream === own) {
          streaming = true
          if (told !== undefined) note('changes are listened to again')
          // What came before the stream began may have been missed.
          wakeAll()
        }
        if (change) heard(change)
      }
    } catch (error) {
      if (closed || stream !== own) return
      streaming = false
      const { code } = error as { code?: unknown }
      if (code === NO_REPLICA_SET) return note('MongoDB is no replica set: changes are polled for')
      if (HISTORY_LOST.has(code)) {
        resumeAfter = undefined
        wakeAll()
        note('the change stream lost its place: changes are polled for until it is back')
      } else note(`the change stream broke (${(error as Error).name}): changes are polled for until it is back`)
      later(REOPEN_MS, () => void listen())
    } finally {
      await own.close().catch(() => undefined)
    }
  }

  async function look(): Promise<void> {
    try {
      const { changed, missed } = await poll.look(!streaming)
      for (const topic of changed) local.publish(topic)
      if (missed && streaming) {
        note('the change stream is silent: changes are polled for until it is back')
        streaming = false
        // From now on, not from where it fell silent: what it missed was just polled.
        resumeAfter = undefined
        void listen()
      }
    } catch {
      // The store is away: the waiters find that out by themselves.
    }
    later(options.checkMs ?? (streaming ? CHECK_MS : POLL_MS), () => void look())
  }

  void listen()
  void look()

  return {
    publish: (topic) => local.publish(topic),
    subscribe(topic, listener) {
      waited.set(topic, (waited.get(topic) ?? 0) + 1)
      const stop = local.subscribe(topic, listener)
      let stopped = false
      return () => {
        stop()
        if (stopped) return
        stopped = true
        const left = waited.get(topic)! - 1
        if (left > 0) waited.set(topic, left)
        else {
          waited.delete(topic)
          poll.forget(topic)
        }
      }
    },
    close() {
      closed = true
      for (const cancel of timers) cancel()
      waited.clear()
      local.close()
      void stream?.close().catch(() => undefined)
    },
  }
}
