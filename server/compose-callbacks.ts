import type { Logger } from 'pino'
import { parseCidr } from '../egress/addresses.ts'
import { type GuardedOptions, guardedEgress } from '../egress/guarded.ts'
import type { Config } from './config.ts'
import { type Callbacks, callbacks } from './domain/callbacks.ts'
import { type Deliveries, deliveries } from './domain/deliveries.ts'
import { delivering } from './domain/delivering.ts'
import { deliveryMessages } from './domain/delivery-message.ts'
import { fanOut } from './domain/fan-out.ts'
import { idMaker } from './domain/ids.ts'
import { deliver } from './jobs/deliver.ts'
import type { Parts } from './parts.ts'
import { httpSender } from './sender/http-sender.ts'

export interface CallbackParts extends Pick<Parts, 'store' | 'vault' | 'clock' | 'wake'> {
  readonly config: Pick<Config, 'allowedPrivateCidrs'>
  readonly publicUrl: string
  readonly version: string
  readonly log: Pick<Logger, 'error'>
}

/** How many days before its end a key is announced. */
const EXPIRING_DAYS = [30, 7, 1]
const EXPIRING_AT_ONCE = 500

export interface CallbackSide {
  readonly callbacks: Callbacks
  readonly deliveries: Deliveries
  /** Begins to deliver; `owner` names this process, the claims of a dead one of that name are given up. */
  start(owner: string): Promise<() => Promise<void>>
}

/** Callbacks for routes, and the job that delivers to them. */
export function composeCallbacks(parts: CallbackParts): CallbackSide {
  const { store, vault, clock, wake, config, log } = parts
  const now = () => clock.now()
  const newId = idMaker(clock)
  const allowed = config.allowedPrivateCidrs.map(parseCidr)
  let kick = () => {}
  const onDue = () => kick()
  return {
    callbacks: callbacks({ store, vault, newId, now, allowed, onDue }),
    deliveries: deliveries({ store, onDue }),
    async start(owner) {
      await store.deliveries.releaseAllOf(owner)
      const onError = (error: unknown) => log.error({ err: error }, 'callbacks could not be delivered; trying again')
      const guard: GuardedOptions = { allowed, after: clock.after.bind(clock) }
      const sending = delivering({
        ...{ store, clock, owner, onError, random: Math.random, onRoom: onDue },
        sender: httpSender(guardedEgress(guard), `Verdict/${parts.version}`),
        message: deliveryMessages({ store, vault, now }),
      })
      const job = deliver(
        {
          fanOut: fanOut({ store, newId, publicUrl: parts.publicUrl, onError }),
          start: () => sending.start(),
          nextDue: () => store.deliveries.nextDue(),
          announceExpiring: () => store.outbox.announceExpiring(EXPIRING_DAYS, EXPIRING_AT_ONCE),
          stop: () => sending.stop(),
        },
        { clock, wake, onError },
      )
      kick = job.kick
      return job.stop
    },
  }
}
