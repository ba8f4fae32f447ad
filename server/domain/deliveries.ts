import type { Delivery, DeliveryDetail, DeliveryQuery } from '../../contract/deliveries.ts'
import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import type { CallbackRecord } from '../store/ports/callbacks.ts'
import type { AttemptRecord, DeliveryRecord } from '../store/ports/deliveries.ts'
import type { Store } from '../store/ports/store.ts'
import { type Caller, mayUseSuite } from './caller.ts'
import { pageOf, pageRequest } from './paging.ts'
import { Problem } from './problem.ts'

/** What was sent to callbacks, what they answered, and what is still to be tried. */
export interface Deliveries {
  list(caller: Caller, query: DeliveryQuery): Promise<Page<Delivery>>
  get(caller: Caller, id: string): Promise<DeliveryDetail>
  /** Sends it again, under the same `webhook-id`. */
  redeliver(caller: Caller, id: string): Promise<Delivery>
}

export function deliveries(options: { store: Store; onDue: () => void }): Deliveries {
  const { store } = options

  const callbackOf = async ({ callback }: DeliveryRecord) =>
    callback === null ? undefined : store.callbacks.get(callback)

  async function own(caller: Caller, id: string): Promise<DeliveryRecord> {
    const delivery = isId('delivery', id) ? await store.deliveries.get(id) : undefined
    if (delivery?.workspace === caller.workspace && maySee(caller, delivery)) return delivery
    throw new Problem('not_found', `There is no delivery ${id.slice(0, 40)} in this workspace.`)
  }

  return {
    async list(caller, { callback, state, ...query }) {
      const page = pageRequest(query)
      const filter = { ...(callback === undefined ? {} : { callback }), ...(state === undefined ? {} : { state }) }
      const records = await store.deliveries.list(caller.workspace, filter, { ...page, limit: page.limit + 1 })
      const { items, next } = pageOf(records, page.limit, (record) => record)
      const shown = items.filter((one) => maySee(caller, one))
      return {
        items: await Promise.all(shown.map(async (one) => deliveryView(caller, one, await callbackOf(one)))),
        next,
      }
    },
    async get(caller, id) {
      const delivery = await own(caller, id)
      const tries = (await store.deliveries.attempts(id)).map(attemptView)
      return { ...deliveryView(caller, delivery, await callbackOf(delivery)), payload: delivery.body, tries }
    },
    async redeliver(caller, id) {
      const delivery = await own(caller, id)
      const callback = await callbackOf(delivery)
      if (callback && callback.disabledAt !== null)
        throw new Problem('conflict', 'The callback is disabled. Enable it first: PATCH with {"disabled": false}.')
      const again = await store.deliveries.redeliver(id)
      if (again === 'gone') throw new Problem('conflict', 'The callback of this delivery was deleted.')
      if (!again) throw new Problem('not_found', `There is no delivery ${id} in this workspace.`)
      options.onDue()
      return deliveryView(caller, again, callback)
    },
  }
}

function maySee(caller: Caller, { suite }: DeliveryRecord): boolean {
  return caller.suites === null || (suite !== null && mayUseSuite(caller, suite))
}

export function deliveryView(caller: Caller, delivery: DeliveryRecord, callback: CallbackRecord | undefined): Delivery {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  return {
    id: delivery.id,
    event: delivery.event,
    type: delivery.type,
    callback: delivery.callback,
    run: delivery.run,
    suite: delivery.suite,
    url: shownTo(caller, delivery.url ?? (callback?.target.kind === 'standard' ? callback.target.url : '')),
    state: delivery.state,
    attempts: delivery.attempts,
    nextAttemptAt: iso(delivery.nextAt),
    lastStatus: delivery.lastStatus,
    lastError: delivery.lastError,
    createdAt: new Date(delivery.createdAt).toISOString(),
    finishedAt: iso(delivery.finishedAt),
  }
}

function shownTo(caller: Caller, url: string): string {
  return url === '' ? '' : shownUrl(caller, url)
}

/** Whoever may not change callbacks sees the host only: an address is often a secret by itself. */
export function shownUrl(caller: Caller, url: string): string {
  return caller.scopes.has('callbacks:write') ? url : `${new URL(url).origin}/…`
}

function attemptView({ at, ...attempt }: AttemptRecord) {
  return { ...attempt, at: new Date(at).toISOString() }
}
