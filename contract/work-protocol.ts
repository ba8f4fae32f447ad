/**
 * The number of the worker's wire (`/v1/work`). It rises only with a change that makes older or newer workers fail: a worker
 * of any version works with any server of the same number.
 */
export const WORK_PROTOCOL = 1

/** The longest time that the server holds a claim or a heartbeat, milliseconds: below the 60 s at which proxies hang up. */
export const WORK_WAIT_MS_MAX = 30_000
