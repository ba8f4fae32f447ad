import type { NewKey } from '../../contract/keys.ts'
import type { User } from '../../contract/users.ts'
import type { TestServer } from '../support/server.ts'

export interface Person {
  readonly user: string
  readonly workspace: string
  readonly key: string
  readonly keyId: string
  readonly token: string
}

const EVERYTHING = ['runs:read', 'runs:write', 'suites:read', 'suites:write', 'keys:read', 'keys:write']
let people = 0

/** A new person with a workspace of their own and a key for it: tests that share a server do not meet there. */
export async function newPerson(server: TestServer, keyFields: object = {}): Promise<Person> {
  const user = await server.request<User>('POST', '/v1/users', { json: { name: `person ${++people}` } })
  const json = { name: 'ci', scopes: EVERYTHING, ...keyFields }
  const made = await server.request<NewKey>('POST', `/v1/users/${user.json.id}/keys`, { json })
  if (made.status !== 201) throw new Error(made.text)
  const { key, id: keyId } = made.json
  return { user: user.json.id, workspace: user.json.workspace, key, keyId, token: await server.token(undefined, key) }
}

/** Another key of the person's own. */
export async function ownKey(server: TestServer, person: Person, fields: object): Promise<NewKey & { token: string }> {
  const made = await server.request<NewKey>('POST', '/v1/keys', {
    token: person.token,
    json: { name: 'other', ...fields },
  })
  if (made.status !== 201) throw new Error(made.text)
  return { ...made.json, token: await server.token(undefined, made.json.key) }
}
