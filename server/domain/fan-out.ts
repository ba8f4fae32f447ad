import { EVENT_TYPES } from '../../contract/webhook-events.ts'
import type { CallbackRecord } from '../store/ports/callbacks.ts'
import type { NewDelivery, OutboxEvent, RunSnapshot } from '../store/ports/outbox.ts'
import type { Store } from '../store/ports/store.ts'
import { forgeStatus } from './forge-status.ts'
import type { NewId } from './ids.ts'
import { filterTakes } from './patterns.ts'
import { payloadOf } from './webhook-payload.ts'

/** Events, each of which may become a hundred deliveries: so few that the first of these are soon on their way. */
const AT_ONCE = 20

/**
 * Makes what happened into deliveries, one for each callback that wants to know. Answers of how many events. One that cannot
 * be made into any is told to `onError` and keeps no other from its way.
 */
export function fanOut(options: {
  store: Store
  newId: NewId
  publicUrl: string
  onError: (error: unknown) => void
}): () => Promise<number> {
  const { store, newId, publicUrl } = options

  type Active = (workspace: string) => Promise<CallbackRecord[]>

  /** Read once for all events that are taken together. */
  function activeOnce(): Active {
    const known = new Map<string, Promise<CallbackRecord[]>>()
    return (workspace) => {
      const active = known.get(workspace) ?? store.callbacks.active(workspace)
      known.set(workspace, active)
      return active
    }
  }

  async function deliveriesOf(event: OutboxEvent, active: Active): Promise<NewDelivery[]> {
    const { workspace, content } = event
    const run = 'run' in content ? content.run : undefined
    const base = {
      ...{ workspace, event: newId('event'), type: content.type, run: run?.id ?? null, suite: run?.suite ?? null },
    }
    const body = payloadOf(event, publicUrl)
    const deliveries: NewDelivery[] = []
    for (const callback of await active(workspace)) {
      if (!wants(callback, content.type, run)) continue
      const of = { ...base, id: newId('delivery'), endpoint: callback.id, callback: callback.id }
      if (callback.target.kind === 'standard') deliveries.push({ ...of, url: null, body })
      else {
        const status = run && forgeStatus(run, callback.target, publicUrl)
        if (status) deliveries.push({ ...of, ...status })
      }
    }
    if (content.type === 'run.finished' && content.run.callbackUrl !== null) {
      const url = content.run.callbackUrl
      const endpoint = `${workspace} ${new URL(url).origin}`
      deliveries.push({ ...base, id: newId('delivery'), endpoint, callback: null, url, body })
    }
    return deliveries
  }

  return async () => {
    const events = await store.outbox.take(AT_ONCE)
    const active = activeOnce()
    // All at once: the writes share their commits.
    const spread = await Promise.all(
      events.map(async (event) => {
        try {
          return await store.outbox.spread(event.seq, await deliveriesOf(event, active))
        } catch (error) {
          options.onError(error)
          return false
        }
      }),
    )
    return spread.filter(Boolean).length
  }
}

/** What is about the workspace goes only to callbacks that are told of all of it. */
function wants(
  { events, suites, branches }: CallbackRecord,
  type: OutboxEvent['content']['type'],
  run: RunSnapshot | undefined,
): boolean {
  if (!events.includes(type)) return false
  if (EVENT_TYPES[type] === 'workspace') return suites === null && branches === null
  return filterTakes(suites, run?.suite) && filterTakes(branches, run?.ci.branch)
}
