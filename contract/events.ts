/**
 * Events of `GET /v1/runs/{id}/events` (SSE): `state` carries the run as JSON, `log` a JSON string of output.
 * The id is `<attempt>-<seq>`, and resumes by `Last-Event-ID`. A comment every 15 s keeps proxies awake.
 */
export type RunStreamEvent = 'state' | 'log'
export const HEARTBEAT_SECONDS = 15
/** `Prefer: wait=N` is clamped to this, seconds: below the 60 s at which proxies hang up. */
export const WAIT_SECONDS_MIN = 1
export const WAIT_SECONDS_MAX = 50
