import { type Clock, pause } from './clock.ts'
import { execute } from './execute.ts'
import type { GitSetup } from './git-source.ts'
import type { Log } from './log.ts'
import { backoffMs, GivenUp, type Patience, unlessAborted } from './retry.ts'
import type { Runner } from './runner/runner.ts'
import { StopSwitch } from './stop-switch.ts'
import type { Job, Work } from './work.ts'

export interface WorkerOptions {
  readonly work: Work
  readonly runner: Runner
  readonly git: GitSetup
  /** How many runs at once. */
  readonly slots: number
  readonly labels: readonly string[]
  /** What running work gets at a stop before it is killed and handed back, ms. */
  readonly graceMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

export interface RunningWorker {
  /** How many runs are being executed. */
  running(): number
  /** Claims no more; running work gets its grace, then is killed and handed back. Resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** A claim is held by the server for so long, ms: below the 60 s at which proxies hang up. */
const CLAIM_WAIT_MS = 20_000
/** A server that has nothing and says so at once (it shuts down) is asked again only after so long, ms. */
const EARLY_MS = 100
/** At a stop, how long the last words (logs, verdicts, runs handed back) may take when all is killed, ms. */
const LAST_WORDS_MS = 10_000

/** Starts to claim and execute runs, each slot one at a time. */
export function startWorker(options: WorkerOptions): RunningWorker {
  const { work, runner, git, clock, random, log, graceMs } = options
  const patience: Patience = { clock, random, log }
  const facts = { labels: options.labels, runner: runner.name }
  const stopping = new AbortController()
  const giveUp = new AbortController()
  const running = new Set<StopSwitch>()

  async function serve(slot: number): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const start = clock.monotonic()
      try {
        const job = await work.claim(facts, CLAIM_WAIT_MS, stopping.signal)
        failures = 0
        if (job) await attempt(job, slot)
        else if (clock.monotonic() - start < EARLY_MS) await pause(clock, EARLY_MS, stopping.signal)
      } catch (error) {
        if (stopping.signal.aborted) return
        if (failures === 0)
          log.warn({ err: error }, 'the server cannot be asked for work; trying again until it answers')
        await pause(clock, backoffMs(failures++, random), stopping.signal)
      }
    }
  }

  async function attempt(job: Job, slot: number): Promise<void> {
    const stops = new StopSwitch()
    // It was claimed while the worker was told to stop.
    if (stopping.signal.aborted) stops.request({ kind: 'handed_back' })
    running.add(stops)
    try {
      await execute({ job, slot, stops, work, runner, git, patience, giveUp: giveUp.signal })
    } finally {
      running.delete(stops)
    }
  }

  const slots = Array.from({ length: options.slots }, (_, slot) => serve(slot))
  const ended = Promise.all(slots)

  async function stop(): Promise<void> {
    stopping.abort()
    const cancelGrace = clock.after(graceMs, () => {
      for (const stops of running) stops.request({ kind: 'handed_back' })
    })
    const cancelLastWords = clock.after(graceMs + LAST_WORDS_MS, () => giveUp.abort())
    await unlessAborted(ended, giveUp.signal).catch((error: unknown) => {
      if (!(error instanceof GivenUp)) throw error
      log.error(
        { running: running.size },
        'the server did not take the last words of running work; it will be run again',
      )
    })
    cancelGrace()
    cancelLastWords()
  }

  let stopped: Promise<void> | undefined
  return { running: () => running.size, stop: () => (stopped ??= stop()) }
}
