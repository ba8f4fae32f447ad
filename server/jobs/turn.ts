import type { Clock } from '../clock.ts'
import type { Leases } from '../store/ports/leases.ts'

/** Whether it is this process that looks after what all share: one does, the others would only do the same again. */
export interface Turn {
  mine(): Promise<boolean>
  /** Lets another one have it at once: this process stops. */
  giveUp(): Promise<void>
}

/** Where no other process works on the store. */
export const ALWAYS: Turn = { mine: async () => true, giveUp: async () => undefined }

/** After a holder that was killed the queue is looked after again within so long. */
const LEASE_MS = 5000

/** The turn among all processes on one store: whoever has the lease, and prolongs it when half of it is over. */
export function turnByLease(leases: Leases, owner: string, clock: Clock): Turn {
  let askAgainAt = Number.NEGATIVE_INFINITY
  return {
    async mine() {
      const asked = clock.monotonic()
      if (asked < askAgainAt) return true
      const mine = await leases.acquire('sweep', owner, LEASE_MS)
      askAgainAt = mine ? asked + LEASE_MS / 2 : Number.NEGATIVE_INFINITY
      return mine
    },
    giveUp: () => leases.release('sweep', owner),
  }
}
