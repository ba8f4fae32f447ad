import { setTimeout as sleep } from 'node:timers/promises'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../contract/tokens.ts'
import type { BenchServer } from './processes.ts'

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
export const exchangeForm = (key: string) =>
  new URLSearchParams({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: key,
    subject_token_type: API_KEY_TOKEN_TYPE,
  }).toString()

/** So answers a node whose machine has too much else to do. Its clients wait a little and ask again. */
export const UNAVAILABLE = 503
export const busyPause = () => sleep(100)

/** The access token that the endpoint gives for the key. */
export async function exchange(endpoint: string, key: string): Promise<string> {
  const answer = await fetch(endpoint, { method: 'POST', body: exchangeForm(key), headers: FORM })
  if (!answer.ok) throw new Error(`the exchange was answered ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { access_token: string }).access_token
}

/** Calls the API with a fresh token; answers the parsed body. */
export async function apiCaller(server: BenchServer) {
  const token = await exchange(`${server.url}/oauth/token`, server.key)
  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.status === UNAVAILABLE) {
      await busyPause()
      return call(method, path, body, headers)
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return { token, call }
}
