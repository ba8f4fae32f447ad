/** How long and how exactly things are kept, the same in every adapter. What concerns runs is in run-rules.ts. */

/** How long a dead key is still listed. */
export const KEY_SHOWN_MS = 90 * 24 * 3600_000
/** How exact a key's `lastUsedAt` is. */
export const KEY_USED_EVERY_MS = 60_000
/** How exact an archive's `lastUsedAt` is: it counts in days, and every run is a use. */
export const ARCHIVE_USED_EVERY_MS = 60_000
/** How exact a worker's `lastSeenAt` is. */
export const WORKER_SEEN_EVERY_MS = 10_000
/** How long a reservation stands that is neither completed nor released: its request is gone by then. */
export const RESERVED_MS = 60_000
/** How long a webhook that comes again is known. */
export const WEBHOOK_KNOWN_MS = 24 * 3600_000
