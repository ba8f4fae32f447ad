import type { Clock } from '../../server/clock.ts'

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. */
export class MovableClock implements Clock {
  #now: number
  #monotonic = 0
  readonly #timers = new Set<Timer>()

  /** `start`: milliseconds since 1970. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#monotonic
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { due: this.#monotonic + Math.max(0, ms), callback }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#timers.size
  }

  /** Time goes by: what is due until then is called back in order, each at its own time, also what those start anew. */
  advance(ms: number): void {
    const end = this.#monotonic + ms
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#timers.delete(next)
      this.#pass(Math.max(next.due, this.#monotonic) - this.#monotonic)
      next.callback()
    }
    this.#pass(end - this.#monotonic)
  }

  /** The process stands still: time goes by, and what was due meanwhile is called back late, at the next advance. */
  freeze(ms: number): void {
    this.#pass(ms)
  }

  /** Somebody sets the wall clock, forward or (negative) back; no time goes by and no timer fires. */
  jump(ms: number): void {
    this.#now += ms
  }

  #pass(ms: number): void {
    this.#now += ms
    this.#monotonic += ms
  }

  #nextUntil(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) if (timer.due <= end && (!next || timer.due < next.due)) next = timer
    return next
  }
}
