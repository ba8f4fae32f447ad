/** `day`: UTC, as 2026-11-25. */
export interface UsageAddition {
  readonly day: string
  readonly user: string
  readonly key: string
  readonly calls: number
  readonly exchanges: number
}

export interface UsageRecord {
  day: string
  user: string
  calls: number
  exchanges: number
  runs: number
  runMs: number
}

export interface UsageFilter {
  user?: string
  key?: string
  /** Days, inclusive and exclusive. */
  since?: string
  until?: string
}

/** What users did, by day. Runs count themselves when they are made and end: at once, or within a second where many processes serve. */
export interface Usage {
  /** Adds calls and exchanges. */
  add(additions: readonly UsageAddition[]): Promise<void>
  /** How many calls a key has made on that day, as far as they were added. */
  callsOf(key: string, day: string): Promise<number>
  /** A line for each user and day, newest day first, then by user; `after` is the last line of the page before. */
  list(
    filter: UsageFilter,
    page: { limit: number; after?: { day: string; user: string } | undefined },
  ): Promise<UsageRecord[]>
}
