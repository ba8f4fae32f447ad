import { HEARTBEAT_SECONDS } from '../../contract/events.ts'
import { isFinal } from '../../contract/reasons.ts'
import type { Run } from '../../contract/runs.ts'
import type { Clock } from '../clock.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import { ofLog, ofRun, type Wake } from '../wake/wake.ts'
import type { Access } from './access.ts'
import { Bell } from './bell.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'
import type { RunReader } from './run-reader.ts'
import { runView } from './run-view.ts'

export type StreamItem =
  | { event: 'state'; id: string; run: Run }
  | { event: 'log'; id: string; text: string }
  | { event: 'heartbeat' }

/** Answers that are held until something happens. */
export interface Waiting {
  /**
   * The run, held until its version differs from `version`, or, without one, until its state is final; at most `seconds`.
   * Answered at once when the server shuts down. Throws `invalid_token` when the credential ends meanwhile.
   */
  wait(
    caller: Caller,
    id: string,
    options: { version: number | undefined; seconds: number; signal: AbortSignal },
  ): Promise<Run>
  /**
   * The run's states and its log as they come, from after `lastEventId`; ends after the final state, or when the credential
   * ends. Undefined: there is nothing after `lastEventId` and never will be.
   */
  follow(
    caller: Caller,
    id: string,
    options: { lastEventId: string | undefined; signal: AbortSignal },
  ): Promise<AsyncIterable<StreamItem> | undefined>
  /** Answers everybody now, and at once from here on: the server shuts down. */
  release(): void
}

export interface WaitingOptions {
  readonly store: Store
  readonly wake: Wake
  readonly clock: Clock
  readonly access: Access
  readonly reader: RunReader
  readonly publicUrl: string
}

/** A wake may be lost; so all look again by themselves. */
const LOOK_AGAIN_MS = 5000
const CHUNKS_PER_READ = 50

export function waiting(options: WaitingOptions): Waiting {
  const { store, wake, clock, access, reader } = options
  const released = new AbortController()
  const view = (run: RunRecord) => runView(run, options.publicUrl)

  function requireGood(caller: Caller): void {
    if (!access.isStillGood(caller))
      throw new Problem('invalid_token', 'The access token ended while the request was held.')
  }

  return {
    async wait(caller, id, { version, seconds, signal }) {
      const until = clock.monotonic() + seconds * 1000
      const bell = new Bell(clock)
        .on((ring) => wake.subscribe(ofRun(id), ring))
        .on((ring) => access.onChange(ring))
        .onAbort(signal, released.signal)
      try {
        for (;;) {
          requireGood(caller)
          const run = await reader.record(caller, id)
          const left = until - clock.monotonic()
          const there = version === undefined ? isFinal(run.state) : run.version !== version
          if (there || left <= 0 || isFinal(run.state) || signal.aborted || released.signal.aborted) return view(run)
          await bell.rung(Math.min(left, LOOK_AGAIN_MS, caller.tokenExpiresAt - clock.now()))
        }
      } finally {
        bell.takeDown()
      }
    },

    async follow(caller, id, { lastEventId, signal }) {
      const first = await reader.record(caller, id)
      const resumed = readEventId(lastEventId)
      if (resumed && isFinal(first.state) && resumed.attempt === first.attempt && resumed.final) return undefined
      return stream(caller, id, resumed, signal)
    },

    release: () => released.abort(),
  }

  async function* stream(
    caller: Caller,
    id: string,
    resumed: EventId | undefined,
    signal: AbortSignal,
  ): AsyncIterable<StreamItem> {
    const bell = new Bell(clock)
      .on((ring) => wake.subscribe(ofRun(id), ring))
      .on((ring) => wake.subscribe(ofLog(id), ring))
      .on((ring) => access.onChange(ring))
      .onAbort(signal, released.signal)
    let at = resumed
    let version: number | undefined
    let lastSent = clock.monotonic()
    try {
      while (!signal.aborted && !released.signal.aborted && access.isStillGood(caller)) {
        const run = await reader.record(caller, id)
        const seq = at?.attempt === run.attempt ? at.seq : 0
        const chunks = await store.runLog.read(id, run.attempt, seq, CHUNKS_PER_READ)
        const ended = isFinal(run.state) && chunks.length < CHUNKS_PER_READ
        for (const chunk of chunks) {
          at = { attempt: run.attempt, seq: chunk.seq, final: false }
          yield { event: 'log', id: writeEventId(at), text: chunk.text }
        }
        if (version !== run.version && (!isFinal(run.state) || ended)) {
          version = run.version
          at = { attempt: run.attempt, seq: at?.attempt === run.attempt ? at.seq : 0, final: ended }
          yield { event: 'state', id: writeEventId(at), run: view(run) }
          lastSent = clock.monotonic()
        }
        if (ended) return
        if (chunks.length > 0) lastSent = clock.monotonic()
        if (chunks.length === CHUNKS_PER_READ) continue
        const silent = clock.monotonic() - lastSent
        if (silent >= HEARTBEAT_SECONDS * 1000) {
          lastSent = clock.monotonic()
          yield { event: 'heartbeat' }
        }
        await bell.rung(Math.min(LOOK_AGAIN_MS, caller.tokenExpiresAt - clock.now()))
      }
    } finally {
      bell.takeDown()
    }
  }
}

interface EventId {
  readonly attempt: number
  readonly seq: number
  /** The final state was sent. */
  readonly final: boolean
}

function writeEventId({ attempt, seq, final }: EventId): string {
  return `${attempt}-${seq}${final ? '-end' : ''}`
}

function readEventId(text: string | undefined): EventId | undefined {
  const match = /^(\d{1,9})-(\d{1,12})(-end)?$/.exec(text ?? '')
  return match ? { attempt: Number(match[1]), seq: Number(match[2]), final: match[3] !== undefined } : undefined
}
