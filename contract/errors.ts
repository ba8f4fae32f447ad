/** Every `code` of a problem answer (RFC 9457), with its HTTP status and title. Closed: the domain throws these, nothing else. */
export const ERRORS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave' },
  unknown_variable: { status: 400, title: 'The suite does not declare this variable' },
  unknown_secret: { status: 400, title: 'The suite does not declare this secret' },
  unauthorized: { status: 401, title: 'An access token is needed' },
  invalid_token: { status: 401, title: 'The access token is not valid' },
  insufficient_scope: { status: 403, title: 'The access token lacks a scope' },
  exceeds_caller: { status: 403, title: 'A key may not have more than the one that makes it' },
  suite_not_allowed: { status: 403, title: 'The key is limited to other suites' },
  suite_locked: { status: 403, title: 'The suite runs only what was pushed' },
  owner_needed: { status: 403, title: 'This needs an owner of the workspace' },
  not_found: { status: 404, title: 'Not found' },
  unknown_suite: { status: 404, title: 'There is no such suite' },
  method_not_allowed: { status: 405, title: 'The address does not take this method' },
  conflict: { status: 409, title: 'In conflict with the present state' },
  suite_of_other_repository: { status: 409, title: 'The suite was pushed from another repository' },
  unsandboxed: { status: 409, title: 'Without a sandbox there is room for one user only' },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body has an unexpected content type' },
  not_supported: { status: 422, title: 'Not supported yet' },
  archive_missing: { status: 422, title: 'The archive was not uploaded' },
  archive_invalid: { status: 422, title: 'The archive cannot be used' },
  secret_missing: { status: 422, title: 'A declared secret is not there' },
  network_not_allowed: { status: 422, title: 'The operator does not allow this network' },
  limit_not_allowed: { status: 422, title: "A limit is above the operator's maximum" },
  reserved_name: { status: 422, title: 'The name is reserved' },
  too_many_keys: { status: 422, title: 'The user has as many keys as is allowed' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for another request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  queue_full: { status: 429, title: 'Too many runs are queued' },
  internal: { status: 500, title: 'Something went wrong in the server' },
  unavailable: { status: 503, title: 'The server cannot answer just now' },
  archive_quota: { status: 507, title: 'The workspace has no room for more archives' },
  disk_full: { status: 507, title: 'The server has no room left on its disk' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof ERRORS

/** The `error` of an OAuth answer (RFC 6749 5.2, RFC 8693 2.2.2, RFC 7009 2.2.1), with its HTTP status. */
export const OAUTH_ERRORS = {
  invalid_request: 400,
  invalid_scope: 400,
  invalid_target: 400,
  unsupported_grant_type: 400,
  unsupported_token_type: 400,
  temporarily_unavailable: 503,
  slow_down: 429,
} as const satisfies Record<string, number>

export type OAuthErrorCode = keyof typeof OAUTH_ERRORS
