import { isFinal } from '../../contract/reasons.ts'
import type { Clock } from '../clock.ts'
import type { Sender, Sent } from '../sender/sender.ts'
import type { CallbackRecord } from '../store/ports/callbacks.ts'
import type { DeliveryRecord, Settlement } from '../store/ports/deliveries.ts'
import type { Store } from '../store/ports/store.ts'
import { VaultError } from '../vault/vault.ts'
import type { deliveryMessages } from './delivery-message.ts'
import { type Judgement, judge, nextDelay, retryAfterMs } from './delivery-plan.ts'

export interface AttemptOptions {
  readonly store: Store
  readonly sender: Sender
  readonly message: ReturnType<typeof deliveryMessages>
  readonly clock: Clock
  readonly random: () => number
  /** Who claimed what is sent here. */
  readonly owner: string
}

/** What came of sending once. */
export interface Attempt {
  readonly judged: Judgement
  /** Undefined: it was not worth sending. */
  readonly sent: Sent | undefined
  readonly at: number
  readonly durationMs: number
}

/** An endpoint of which every attempt failed for so long is given up. */
const GIVE_UP_MS = 5 * 86_400_000

/** One attempt of a claimed delivery: sent first, then noted. */
export function deliveryAttempts(options: AttemptOptions) {
  const { store, clock } = options

  /** Sends it once. `callback`: the one that it is for, as it is now; undefined for a run's `callbackUrl`. */
  async function send(delivery: DeliveryRecord, callback: CallbackRecord | undefined): Promise<Attempt> {
    const at = clock.now()
    const started = clock.monotonic()
    const unsent = await whyUnsent(delivery, callback)
    const sent = unsent ? undefined : await post(delivery, callback)
    const judged = unsent ?? judge(sent as Sent, callback?.target.kind ?? 'standard')
    return { judged, sent, at, durationMs: Math.round(clock.monotonic() - started) }
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

  async function post(delivery: DeliveryRecord, callback: CallbackRecord | undefined): Promise<Sent> {
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

  /** Notes the attempt and how the delivery goes on, and ends a callback that wants no more or never works. */
  async function settle(delivery: DeliveryRecord, { judged, sent, at, durationMs }: Attempt): Promise<void> {
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

  return { send, settle }
}

function unsentAs(outcome: Judgement['outcome'], error: string): Judgement {
  return { outcome, error, overloaded: false, blameless: true }
}
