import type { SuiteVerdict } from '../ports/outbox.ts'
import { suiteVerdict } from '../ports/run-rules.ts'
import { type Database, type Doc, joined, set } from './database.ts'
import { isDuplicate } from './errors.ts'
import { announce, listeners, type News } from './outbox-insert.ts'
import { type RunNews, snapshotOf } from './run-news.ts'
import { theseRuns } from './run-record.ts'

const AT_ONCE = 100

/**
 * Brings into the outbox what runs, keys and callbacks have to tell, where somebody listened when it happened. Safe to be cut off
 * and to be done by many at once: an event has one id, and a document forgets its news last.
 */
export async function collectNews(db: Database): Promise<void> {
  await collectDisabled(db)
  await collectRevoked(db)
  for (;;) {
    const runs = await db
      .collection('runs')
      .find({ newsAt: { $gte: 0 } })
      .sort({ newsAt: 1, _id: 1 })
      .limit(AT_ONCE)
      .toArray()
    if (runs.length === 0) return
    await collectOf(db, runs)
    if (runs.length < AT_ONCE) return
  }
}

async function collectOf(db: Database, runs: Doc[]): Promise<void> {
  const since = await listeners(
    db,
    runs.map(({ workspace }) => workspace),
  )
  const listened = (workspace: string, at: number) => (since.get(workspace) ?? Number.POSITIVE_INFINITY) <= at
  const all: News[] = []
  for (const run of runs) {
    const workspace = run.workspace as string
    for (const news of run.news as RunNews[]) {
      const { type, at, version } = news
      // Most runs start with nobody listening: then nothing is made of it.
      if (type !== 'run.finished' && !listened(workspace, at)) continue
      const shown = snapshotOf(run, news)
      const asked = type === 'run.finished' && shown.callbackUrl !== null
      if (asked || listened(workspace, at)) {
        all.push({ id: joined(run._id, version, type), workspace, at, content: { type, run: shown } })
      }
      const turn = type === 'run.finished' ? await noteSuiteState(db, run, news) : undefined
      if (turn && listened(workspace, at)) {
        const content = { type: 'suite.state_changed' as const, run: shown, ...turn }
        all.push({ id: joined(run._id, 'turn'), workspace, at, content })
      }
    }
  }
  await announce(db, all)
  // Only what was read is forgotten: a run that has more to tell by now is read again.
  const told = ({ news }: Doc) => (news as RunNews[]).length
  for (const count of new Set(runs.map(told))) {
    const these = theseRuns(
      db,
      runs.filter((run) => told(run) === count),
    )
    await db.collection('runs').updateMany({ ...these, news: { $size: count } }, { $unset: { news: '', newsAt: '' } })
  }
}

/** Notes what a run that ended says of its suite on its branch. Answers the turn that it was, the same when it is asked again. */
async function noteSuiteState(
  db: Database,
  run: Doc,
  news: RunNews,
): Promise<{ from: SuiteVerdict; to: SuiteVerdict } | undefined> {
  const to = suiteVerdict(news)
  if (to === undefined) return undefined
  const { workspace, suite, createdAt } = run
  const { ci } = JSON.parse(run.request)
  const place = joined(workspace, suite, JSON.stringify(ci.branch ?? ''))
  const from = { $cond: [{ $eq: ['$run', run._id] }, { $ifNull: ['$from', null] }, { $ifNull: ['$state', null] }] }
  try {
    const state = await db
      .collection('suite_states')
      .findOneAndUpdate(
        { _id: place, runCreatedAt: { $lte: createdAt } },
        [set({ state: to, run: run._id, runCreatedAt: createdAt, updatedAt: news.at }, { from })],
        { upsert: true, returnDocument: 'after' },
      )
    return state?.from && state.from !== to ? { from: state.from, to } : undefined
  } catch (error) {
    // A newer run has spoken.
    if (isDuplicate(error)) return undefined
    throw error
  }
}

async function collectDisabled(db: Database): Promise<void> {
  const callbacks = db.collection('callbacks')
  for (const callback of await callbacks.find({ news: true }).limit(AT_ONCE).toArray()) {
    const { _id: id, workspace, target: to, description, disabledAt, disabledReason: reason } = callback
    const content = { type: 'callback.disabled' as const, callback: { id, kind: to.kind, description }, reason }
    if (disabledAt !== null)
      await announce(db, [{ id: joined(id, 'disabled', disabledAt), workspace, at: disabledAt, content }])
    await callbacks.updateOne({ _id: id, disabledAt }, { $unset: { news: '' } })
  }
}

/** Keys that somebody who held them has ended. */
async function collectRevoked(db: Database): Promise<void> {
  const revoked = await db
    .collection('keys')
    .find({ 'news.revokedAt': { $gte: 0 } })
    .limit(AT_ONCE)
    .toArray()
  for (const { _id: id, workspace, name, user, start, news } of revoked) {
    const { revokedAt, from } = news
    const since = (await listeners(db, [workspace])).get(workspace) ?? Number.POSITIVE_INFINITY
    const content = { type: 'key.revoked_by_holder' as const, key: { id, name, user, start }, revokedAt, from }
    if (since <= revokedAt) await announce(db, [{ id: joined(id, 'revoked'), workspace, at: revokedAt, content }])
    await db.collection('keys').updateOne({ _id: id }, { $unset: { news: '' } })
  }
}
