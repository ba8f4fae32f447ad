import { ID_PREFIXES } from '../../contract/ids.ts'
import { isFinal } from '../../contract/reasons.ts'
import type { Clock } from '../clock.ts'
import type { Sender, Sent } from '../sender/sender.ts'
import type { CallbackRecord } from '../store/ports/callbacks.ts'
import type { DeliveryRecord, Settlement } from '../store/ports/deliveries.ts'
import type { Store } from '../store/ports/store.ts'
import { VaultError } from '../vault/vault.ts'
import type { deliveryMessages } from './delivery-message.ts'
import { type Judgement, judge, nextDelay, retryAfterMs } from './delivery-plan.ts'

/** Sends what is due. */
export interface Delivering {
  /** Starts on every endpoint of which something is due and that is not being served. Resolves when they are started. */
  start(): Promise<void>
  /** Nothing new is started; resolves when what is under way has ended. */
  stop(): Promise<void>
}

export interface DeliveringOptions {
  readonly store: Store
  readonly sender: Sender
  readonly message: ReturnType<typeof deliveryMessages>
  readonly clock: Clock
  readonly random: () => number
  /** Whose claims these are: those of a process that died are given up by its name. */
  readonly owner: string
  /** Told when an endpoint is done with: there may be room for others. */
  readonly onFree: () => void
  readonly onError: (error: unknown) => void
}

/** Endpoints that are served at once, in all and of one workspace: so that no workspace takes all the room. */
const ENDPOINTS_MAX = 200
const ENDPOINTS_OF_WORKSPACE_MAX = 50
/** Requests to one endpoint at once; to one that is overloaded, and to a forge, whose statuses must not overtake each other: 1. */
const WIDTH = 10
/** Endpoints of runs come and go: what is known of them is forgotten all at once when it is too much. */
const OVERLOADED_MAX = 10_000
/** Longer than any attempt takes: what is claimed and not settled by then is tried again. */
const LEASE_MS = 60_000
/** At a stop, how long attempts that are under way may take. */
const LAST_ATTEMPTS_MS = 2000
/** An endpoint of which every attempt failed for so long is given up. */
const GIVE_UP_MS = 5 * 86_400_000

export function delivering(options: DeliveringOptions): Delivering {
  const { store, clock } = options
  const served = new Map<string, { workspace: string; done: Promise<void> }>()
  const overloaded = new Set<string>()
  const settling = new Set<Promise<void>>()
  let after = ''
  let stopped = false

  const room = (workspace: string) =>
    served.size < ENDPOINTS_MAX &&
    [...served.values()].filter((one) => one.workspace === workspace).length < ENDPOINTS_OF_WORKSPACE_MAX

  async function serve(endpoint: string): Promise<void> {
    while (!stopped) {
      const named = endpoint.startsWith(ID_PREFIXES.callback)
      const callback = named ? await store.callbacks.get(endpoint) : undefined
      const narrow = overloaded.has(endpoint) || (callback && callback.target.kind !== 'standard')
      const width = narrow ? 1 : WIDTH
      const claimed = await store.deliveries.claim(endpoint, options.owner, LEASE_MS, width)
      await Promise.all(
        claimed.map(async (delivery) => {
          const { settled, isGood } = await attempt(delivery, callback)
          // What went well is noted with the next claims; what did not may end the callback, and so is waited for.
          if (!isGood) return settled
          const noted = settled.catch(options.onError).then(() => void settling.delete(noted))
          settling.add(noted)
        }),
      )
      if (claimed.length < width) return
    }
  }

  /** Sends it once. Resolves when that is over; `settled` when it is noted. */
  async function attempt(
    delivery: DeliveryRecord,
    callback: CallbackRecord | undefined,
  ): Promise<{ settled: Promise<void>; isGood: boolean }> {
    const at = clock.now()
    const started = clock.monotonic()
    const unsent = await whyUnsent(delivery, callback)
    const sent = unsent ? undefined : await send(delivery, callback)
    const judged = unsent ?? judge(sent as Sent, callback?.target.kind ?? 'standard')
    const isGood = judged.outcome === 'delivered'
    if (overloaded.size >= OVERLOADED_MAX) overloaded.clear()
    if (judged.overloaded) overloaded.add(delivery.endpoint)
    else if (isGood) overloaded.delete(delivery.endpoint)
    // Broken off by a stop: nobody's fault. The claim is given up at the next start, and it is sent again.
    if (stopped && sent && 'fault' in sent) return { settled: Promise.resolve(), isGood }
    const durationMs = Math.round(clock.monotonic() - started)
    return { settled: settle(delivery, { judged, sent, at, durationMs }), isGood }
  }

  async function settle(
    delivery: DeliveryRecord,
    { judged, sent, at, durationMs }: { judged: Judgement; sent: Sent | undefined; at: number; durationMs: number },
  ): Promise<void> {
    const answer = sent && 'status' in sent ? sent : undefined
    const health = await store.deliveries.settle(
      delivery,
      options.owner,
      {
        at,
        durationMs,
        status: answer?.status ?? null,
        error: judged.error,
        answer: answer && !answer.confidential ? answer.answer : null,
      },
      settlement(delivery, judged, answer?.retryAfter),
    )
    if (health === false || delivery.callback === null || judged.error === null) return
    if (judged.outcome === 'disable') await store.callbacks.disable(delivery.callback, judged.error)
    else if (health.failingSince !== null && clock.now() - health.failingSince >= GIVE_UP_MS) {
      const reason = `Every attempt failed for 5 days; the last one: ${judged.error}`
      await store.callbacks.disable(delivery.callback, reason)
    }
  }

  function settlement(delivery: DeliveryRecord, judged: Judgement, retryAfter: string | undefined): Settlement {
    if (judged.outcome === 'delivered') return { state: 'delivered' }
    if (judged.outcome !== 'retry') return { state: 'failed', ...(judged.blameless ? { blameless: true } : {}) }
    const asked = retryAfterMs(retryAfter, clock.now())
    const delay = nextDelay(delivery.tries + 1, judged, asked, options.random)
    return delay === undefined ? { state: 'failed' } : { state: 'pending', nextAt: clock.now() + delay }
  }

  async function send(delivery: DeliveryRecord, callback: CallbackRecord | undefined): Promise<Sent> {
    try {
      return await options.sender.send(await options.message(delivery, callback))
    } catch (error) {
      if (!(error instanceof VaultError)) throw error
      return {
        fault: 'failed',
        message: 'Its secret cannot be opened: it was sealed under another secret key. Rotate it.',
      }
    }
  }

  async function whyUnsent(
    delivery: DeliveryRecord,
    callback: CallbackRecord | undefined,
  ): Promise<Judgement | undefined> {
    // It was made while the callback was deleted.
    if (delivery.callback !== null && !callback) return unsentAs('failed', 'The callback was deleted.')
    if (!callback || callback.target.kind === 'standard' || delivery.type === 'run.finished') return undefined
    // A status that says "pending" must not come after the one that says how it ended.
    const run = delivery.run === null ? undefined : await store.runs.get(delivery.run)
    if (!run || !isFinal(run.state)) return undefined
    return unsentAs('delivered', 'Not sent: the run has ended meanwhile.')
  }

  return {
    async start() {
      // Most looks find nothing; this one costs a step in an index, the next one a step for each endpoint.
      const first = stopped ? undefined : await store.deliveries.nextDue()
      if (first === undefined || first > clock.now()) return
      const due = await store.deliveries.dueEndpoints(after, ENDPOINTS_MAX)
      // In turn: next time begins where this one stopped, so that the end of the alphabet is not forgotten.
      if (due.length === 0 && after !== '') {
        after = ''
        return this.start()
      }
      for (const { endpoint, workspace } of due) {
        if (stopped || served.size >= ENDPOINTS_MAX) return
        after = endpoint
        if (served.has(endpoint) || !room(workspace)) continue
        const done = serve(endpoint)
          .catch(options.onError)
          .then(() => {
            served.delete(endpoint)
            options.onFree()
          })
        served.set(endpoint, { workspace, done })
      }
      if (due.length < ENDPOINTS_MAX) after = ''
    },
    async stop() {
      stopped = true
      const ended = Promise.all([...served.values()].map(({ done }) => done))
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LAST_ATTEMPTS_MS).unref())])
      await options.sender.close()
      await ended
      await Promise.all(settling)
    },
  }
}

function unsentAs(outcome: Judgement['outcome'], error: string): Judgement {
  return { outcome, error, overloaded: false, blameless: true }
}
