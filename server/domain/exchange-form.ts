import {
  ACCESS_TOKEN_TYPE,
  type API_KEY_TOKEN_TYPE,
  type ID_TOKEN_TYPE,
  TOKEN_EXCHANGE_GRANT,
} from '../../contract/tokens.ts'
import { OAuthProblem } from './problem.ts'

/** Parameters of a form, each given once; repeated ones were refused before. */
export type Form = Readonly<Record<string, string | undefined>>

export interface ExchangeRequest {
  readonly token: string
  readonly type: typeof API_KEY_TOKEN_TYPE | typeof ID_TOKEN_TYPE | typeof ACCESS_TOKEN_TYPE
  readonly scope: string | undefined
  readonly audience: string | undefined
}

/** What a token-exchange form asks for (RFC 8693 2.1). Throws an {@link OAuthProblem}. `types`: the subject tokens taken here. */
export function readExchange(form: Form, types: readonly string[]): ExchangeRequest {
  if (form.grant_type === undefined) throw new OAuthProblem('invalid_request', 'The parameter grant_type is missing.')
  if (form.grant_type !== TOKEN_EXCHANGE_GRANT)
    throw new OAuthProblem('unsupported_grant_type', `Only grant_type=${TOKEN_EXCHANGE_GRANT} is supported.`)
  if (form.actor_token !== undefined || form.actor_token_type !== undefined)
    throw new OAuthProblem('invalid_request', 'actor_token is not taken here: a key acts for its own user only.')
  if (form.requested_token_type !== undefined && form.requested_token_type !== ACCESS_TOKEN_TYPE)
    throw new OAuthProblem('invalid_request', `requested_token_type can only be ${ACCESS_TOKEN_TYPE}.`)
  if (form.resource !== undefined)
    throw new OAuthProblem('invalid_target', 'Name the API by audience, not by resource; this server knows audiences.')
  if (form.subject_token === undefined)
    throw new OAuthProblem('invalid_request', 'The parameter subject_token is missing: it holds the API key.')
  if (form.subject_token_type === undefined || !types.includes(form.subject_token_type))
    throw new OAuthProblem('invalid_request', `subject_token_type must be ${types.join(' or ')}.`)
  return {
    token: form.subject_token,
    type: form.subject_token_type as ExchangeRequest['type'],
    scope: form.scope,
    audience: form.audience,
  }
}

/** RFC 6749 3.3: what was asked for must be there; a plain request gets what is allowed. `whose` names the credential. */
export function narrow<S extends string>(allowed: readonly S[], asked: string | undefined, whose: string): S[] {
  if (asked === undefined) return [...allowed]
  const wanted = asked.split(' ').filter((scope) => scope !== '')
  const missing = wanted.filter((scope) => !(allowed as readonly string[]).includes(scope))
  if (missing.length > 0 || wanted.length === 0) {
    // What has not the form of a scope could be anything, also a secret in the wrong place.
    const named = missing.map((scope) => (/^[a-z][a-z:._-]{0,49}$/.test(scope) ? scope : 'something that is no scope'))
    const what = missing.length > 0 ? [...new Set(named)].slice(0, 20).join(' ') : 'no scope at all'
    throw new OAuthProblem(
      'invalid_scope',
      `${whose} does not give ${what}. It gives: ${allowed.join(' ') || 'nothing'}.`,
    )
  }
  return allowed.filter((scope) => wanted.includes(scope))
}
