import { pause } from './clock.ts'
import { backoffMs, type Patience, unlessAborted } from './retry.ts'
import type { StopSwitch } from './stop-switch.ts'
import { HEARTBEAT_MS, type Lease, type Work } from './work.ts'

/** A run whose heartbeats went unanswered for so long is killed: its lease is long another's. */
const CUT_OFF_MS = 5 * 60_000
/** A heartbeat that is not answered so long after it was due is asked anew. */
const HANGING_MS = 15_000
/** A server that answers at once (it shuts down) is not asked more often. */
const PACE_MS = 250

interface LeaseKeeper {
  end(): void
}

/** Holds the lease by heartbeats until `end`, and turns their answers, and their absence, into requests to stop. */
export function keepLease(work: Work, lease: Lease, stops: StopSwitch, patience: Patience): LeaseKeeper {
  const { clock, random, log } = patience
  const ending = new AbortController()
  let disarm = () => {}
  const answered = () => {
    disarm()
    disarm = clock.after(CUT_OFF_MS, () => stops.request({ kind: 'cut_off' }))
  }

  async function beat(): Promise<void> {
    const call = new AbortController()
    const abort = () => call.abort()
    const unhang = clock.after(HEARTBEAT_MS + HANGING_MS, abort)
    ending.signal.addEventListener('abort', abort)
    try {
      const answer = await unlessAborted(work.heartbeat(lease, HEARTBEAT_MS, call.signal), call.signal)
      answered()
      if (answer.order === 'lost') stops.request({ kind: 'lost' })
      if (answer.order === 'cancel') stops.request({ kind: 'cancelled', code: answer.reason })
    } finally {
      unhang()
      ending.signal.removeEventListener('abort', abort)
    }
  }

  async function keep(): Promise<void> {
    let failures = 0
    while (!ending.signal.aborted && stops.stop?.kind !== 'lost') {
      const start = clock.monotonic()
      try {
        await beat()
        failures = 0
        const early = PACE_MS - (clock.monotonic() - start)
        if (early > 0) await pause(clock, early, ending.signal)
      } catch (error) {
        if (ending.signal.aborted) return
        if (failures === 0) log.warn({ err: error, run: lease.run }, 'a heartbeat was not answered; trying again')
        await pause(clock, backoffMs(failures++, random), ending.signal)
      }
    }
  }

  answered()
  void keep()
  return {
    end() {
      disarm()
      ending.abort()
    },
  }
}
