import type { Store } from '../store/ports/store.ts'
import type { UsageAddition } from '../store/ports/usage.ts'
import { type Caller, credentialOf } from './caller.ts'

/** Counts what users do, in memory, and adds it to the store every few seconds: no call waits for that. */
export interface Metering {
  call(caller: Caller): void
  exchange(user: string, credential: string): void
  /** How many calls the caller's key has made today (UTC), this one left out, and the seconds until tomorrow. */
  today(caller: Caller): Promise<{ calls: number; secondsLeft: number }>
  /** Adds what was counted; called again and again, and at the end. */
  flush(): Promise<void>
}

const DAY_MS = 86_400_000

export function metering(options: { store: Store; now: () => number }): Metering {
  const { store, now } = options
  let counts = new Map<string, { -readonly [K in keyof UsageAddition]: UsageAddition[K] }>()
  /** What the store holds of keys with a daily limit, as last read. */
  const kept = new Map<string, { day: string; calls: number }>()
  let writing: Promise<void> = Promise.resolve()
  const today = dayOf(now)

  function line(user: string, key: string) {
    const day = today()
    const id = `${day}/${user}/${key}`
    const found = counts.get(id)
    if (found) return found
    const made = { day, user, key, calls: 0, exchanges: 0 }
    counts.set(id, made)
    return made
  }

  return {
    call(caller) {
      line(caller.user, credentialOf(caller)).calls++
    },
    exchange(user, credential) {
      line(user, credential).exchanges++
    },
    async today(caller) {
      const day = today()
      const key = credentialOf(caller)
      let known = kept.get(key)
      if (known?.day !== day) {
        known = { day, calls: await store.usage.callsOf(key, day) }
        kept.set(key, known)
      }
      const secondsLeft = Math.ceil((DAY_MS - (now() % DAY_MS)) / 1000)
      return { calls: known.calls + (counts.get(`${day}/${caller.user}/${key}`)?.calls ?? 0), secondsLeft }
    },
    flush() {
      // One after the other: who waits for a flush finds what was counted before it.
      writing = writing.catch(() => undefined).then(write)
      return writing
    },
  }

  async function write(): Promise<void> {
    if (counts.size === 0) return
    const additions = counts
    counts = new Map()
    try {
      await store.usage.add([...additions.values()])
    } catch (error) {
      for (const [id, { calls, exchanges, ...of }] of additions) {
        const newer = counts.get(id)
        counts.set(id, { ...of, calls: calls + (newer?.calls ?? 0), exchanges: exchanges + (newer?.exchanges ?? 0) })
      }
      throw error
    }
    // Other processes count too: those that are limited are read anew.
    kept.clear()
  }
}

/** The day (UTC) as a text; the same text all day. */
function dayOf(now: () => number): () => string {
  let number = Number.NaN
  let text = ''
  return () => {
    const day = Math.floor(now() / DAY_MS)
    if (day !== number) {
      number = day
      text = new Date(day * DAY_MS).toISOString().slice(0, 10)
    }
    return text
  }
}
