import { ID_PREFIXES } from '../../contract/ids.ts'
import type { CallbackRecord } from '../store/ports/callbacks.ts'
import type { DeliveryRecord } from '../store/ports/deliveries.ts'
import { type AttemptOptions, deliveryAttempts } from './delivery-attempt.ts'
import type { Judgement } from './delivery-plan.ts'

/** Sends what is due. */
export interface Delivering {
  /** Starts on every endpoint of which something is due and that is not being served. Resolves when they are started. */
  start(): Promise<void>
  /** Nothing new is started; resolves when what is under way has ended. */
  stop(): Promise<void>
}

/** `owner`: whose claims these are; those of a process that died are given up by its name. */
export interface DeliveringOptions extends AttemptOptions {
  /** Told when there is room again for an endpoint that found none. */
  readonly onRoom: () => void
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

interface Served {
  readonly workspace: string
  /** Something became due for it since it was last looked at. */
  more: boolean
  done: Promise<void>
}

/**
 * Each endpoint is served by a loop of its own, and by no more than one: whatever it does to its requests, it holds up
 * nothing but the rest of its own.
 */
export function delivering(options: DeliveringOptions): Delivering {
  const { store } = options
  const { send, settle } = deliveryAttempts(options)
  const served = new Map<string, Served>()
  const overloaded = new Set<string>()
  const noting = new Set<Promise<void>>()
  let after = ''
  let crowded = false
  let stopped = false

  async function serve(endpoint: string, one: Served): Promise<void> {
    try {
      let claimed: DeliveryRecord[]
      let width: number
      do {
        one.more = false
        const named = endpoint.startsWith(ID_PREFIXES.callback)
        const callback = named ? await store.callbacks.get(endpoint) : undefined
        const narrow = overloaded.has(endpoint) || (callback && callback.target.kind !== 'standard')
        width = narrow ? 1 : WIDTH
        claimed = await store.deliveries.claim(endpoint, options.owner, LEASE_MS, width)
        await Promise.all(claimed.map((delivery) => deliver(delivery, callback).catch(options.onError)))
      } while (!stopped && (claimed.length === width || one.more))
    } catch (error) {
      options.onError(error)
    } finally {
      served.delete(endpoint)
      const wanted = crowded
      crowded = false
      if (wanted) options.onRoom()
    }
  }

  async function deliver(delivery: DeliveryRecord, callback: CallbackRecord | undefined): Promise<void> {
    const attempt = await send(delivery, callback)
    notePace(delivery.endpoint, attempt.judged)
    // Broken off by a stop: nobody's fault. The claim is given up at the next start, and it is sent again.
    if (stopped && attempt.sent && 'fault' in attempt.sent) return
    // What did not go well may end the callback: nothing more is sent before that is known.
    if (attempt.judged.outcome !== 'delivered') return settle(delivery, attempt)
    // What did is noted while others are sent, many in one write.
    const noted = settle(delivery, attempt)
      .catch(options.onError)
      .then(() => void noting.delete(noted))
    noting.add(noted)
  }

  function notePace(endpoint: string, judged: Judgement): void {
    if (overloaded.size >= OVERLOADED_MAX) overloaded.clear()
    if (judged.overloaded) overloaded.add(endpoint)
    else if (judged.outcome === 'delivered') overloaded.delete(endpoint)
  }

  /** Starts on those for which there is room, in turn: next time begins where this one stopped, so that no end is forgotten. */
  function serveAll(due: readonly { endpoint: string; workspace: string }[]): void {
    const busy = new Map<string, number>()
    for (const { workspace } of served.values()) busy.set(workspace, (busy.get(workspace) ?? 0) + 1)
    // There may be others behind these.
    crowded ||= due.length === ENDPOINTS_MAX
    for (const { endpoint, workspace } of due) {
      crowded ||= served.size >= ENDPOINTS_MAX
      if (stopped || served.size >= ENDPOINTS_MAX) return
      after = endpoint
      const known = served.get(endpoint)
      const others = busy.get(workspace) ?? 0
      if (known) known.more = true
      else if (others >= ENDPOINTS_OF_WORKSPACE_MAX) crowded = true
      else {
        const one: Served = { workspace, more: false, done: Promise.resolve() }
        served.set(endpoint, one)
        busy.set(workspace, others + 1)
        one.done = serve(endpoint, one)
      }
    }
    if (due.length < ENDPOINTS_MAX) after = ''
  }

  return {
    async start() {
      // Most looks find nothing; this one costs a step in an index, the next one a step for each endpoint.
      const first = stopped ? undefined : await store.deliveries.nextDue()
      if (first === undefined || first > options.clock.now()) return
      const due = await store.deliveries.dueEndpoints(after, ENDPOINTS_MAX)
      if (due.length === 0 && after !== '') {
        after = ''
        return this.start()
      }
      serveAll(due)
    },
    async stop() {
      stopped = true
      const ended = Promise.all([...served.values()].map(({ done }) => done))
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LAST_ATTEMPTS_MS).unref())])
      await options.sender.close()
      await ended
      await Promise.all(noting)
    },
  }
}
