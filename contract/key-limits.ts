/** How often a key may be used beside the server's own limits; null: no limit of its own. */
export interface KeyLimits {
  /** Calls in any minute. */
  perMinute: number | null
  /** Calls in a day, UTC. */
  perDay: number | null
}
