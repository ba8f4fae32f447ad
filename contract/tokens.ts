/** The words of the token endpoint (RFC 8693) and of our access tokens (RFC 9068). */
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const API_KEY_TOKEN_TYPE = 'urn:verdict:params:oauth:token-type:api-key'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
export const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token'
/** How the `client_id` of a token begins that was made for a signed-in person's OIDC token. */
export const OIDC_CLIENT_PREFIX = 'oidc:'

/** 200 of `POST /oauth/token`. `expires_in` in seconds, `key_expires_at` ISO 8601 or null for a key that lives for ever. */
export interface TokenAnswer {
  access_token: string
  issued_token_type: typeof ACCESS_TOKEN_TYPE
  token_type: 'Bearer'
  expires_in: number
  scope: string
  key_expires_at: string | null
}

/** Claims of an access token. Times are seconds since 1970. */
export interface AccessTokenClaims {
  iss: string
  aud: string
  sub: string
  client_id: string
  /** Left out for a shared worker, which is of none. */
  workspace?: string
  jti: string
  iat: number
  exp: number
  scope: string
  suites?: string[]
  /** Where the key may be used from, when it is limited. Private to this server. */
  allowed_ips?: string[]
  /** The key's own limits, when it has some. Private to this server. */
  limits?: { perMinute: number | null; perDay: number | null }
  /** What the key is called, for the runs that it starts. Private to this server. */
  key_name?: string
  /** How many runs the user may start in a day, when that is limited. Private to this server. */
  runs_per_day?: number
  /** In tokens for the operator's own APIs only. */
  external_id?: string
  metadata?: Record<string, string>
}
