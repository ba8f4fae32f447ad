import { apiCaller, exchangeForm, FORM } from './api.ts'
import { flatOut } from './load.ts'
import type { BenchServer } from './processes.ts'

/** How many exchanges of these keys, one after the other and all over again, an endpoint answers in that time. */
export function exchanges(url: string, keys: readonly string[], seconds: number): Promise<number> {
  const requests = keys.map((key) => ({ method: 'POST' as const, headers: FORM, body: exchangeForm(key) }))
  return flatOut({ url, requests }, seconds)
}

/** A key of each of so many new users. */
export async function newKeys(server: BenchServer, count: number): Promise<string[]> {
  const { call } = await apiCaller(server)
  const keys: string[] = []
  for (let n = 0; n < count; n++) {
    const { id } = await call<{ id: string }>('POST', '/v1/users', { name: `user ${n}` })
    const scopes = ['runs:read', 'runs:write']
    keys.push((await call<{ key: string }>('POST', `/v1/users/${id}/keys`, { name: 'ci', scopes })).key)
  }
  return keys
}
