import type { Key } from '../contract/keys.ts'
import type { Role } from '../contract/scopes.ts'
import type {
  AcceptedInvitation,
  InvitationAccept,
  InvitationCreate,
  Member,
  NewInvitation,
  NewWorkspace,
  Workspace,
} from '../contract/workspaces.ts'
import type { Transport } from '../transport/transport.ts'
import { serverAddress } from './address.ts'
import { apiErrorOf } from './api-error.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path, SILENCE_MS } from './request.ts'

/** Workspaces, their members and invitations. A key is for one workspace: all but `list` and `create` take that one's id. */
export interface Workspaces {
  create(name: string, options?: CallOptions): Promise<NewWorkspace>
  list(options?: ListOptions): AsyncGenerator<Workspace, void, undefined>
  rename(id: string, name: string, options?: CallOptions): Promise<Workspace>
  /** With everything in it; `confirm` must be its name. */
  delete(id: string, confirm: string, options?: CallOptions): Promise<void>
  members(id: string, options?: ListOptions): AsyncGenerator<Member, void, undefined>
  changeMember(id: string, user: string, role: Role, options?: CallOptions): Promise<Member>
  removeMember(id: string, user: string, options?: CallOptions): Promise<void>
  /** The answer is the only one that holds the link. */
  invite(id: string, body: InvitationCreate, options?: CallOptions): Promise<NewInvitation>
  keys(id: string, options?: ListOptions): AsyncGenerator<Key, void, undefined>
  revokeKey(id: string, key: string, options?: CallOptions): Promise<void>
}

export function workspacesOf(caller: Caller): Workspaces {
  const drop = async (at: string, query: Record<string, string>, options?: CallOptions) => {
    await caller.call({ method: 'DELETE', path: at, query }, options)
  }
  return {
    create: (name, options) =>
      caller.json(
        { method: 'POST', path: '/v1/workspaces', json: { name }, idempotencyKey: caller.random.uuid() },
        options,
      ),
    list: (options) => listing(caller, '/v1/workspaces', {}, options),
    rename: (id, name, options) =>
      caller.json({ method: 'PATCH', path: path`/v1/workspaces/${id}`, json: { name } }, options),
    delete: (id, confirm, options) => drop(path`/v1/workspaces/${id}`, { confirm }, options),
    members: (id, options) => listing(caller, path`/v1/workspaces/${id}/members`, {}, options),
    changeMember: (id, user, role, options) =>
      caller.json({ method: 'PATCH', path: path`/v1/workspaces/${id}/members/${user}`, json: { role } }, options),
    removeMember: (id, user, options) => drop(path`/v1/workspaces/${id}/members/${user}`, {}, options),
    invite: (id, json, options) =>
      caller.json({ method: 'POST', path: path`/v1/workspaces/${id}/invitations`, json }, options),
    keys: (id, options) => listing(caller, path`/v1/workspaces/${id}/keys`, {}, options),
    revokeKey: (id, key, options) => drop(path`/v1/workspaces/${id}/keys/${key}`, {}, options),
  }
}

/**
 * Comes into a workspace by a one-time link, as a new person: needs no key. The answer alone holds theirs. Rejects with an
 * ApiError (the server answered so), an AddressError, or a TransportError. It is never repeated: the link is good once.
 */
export async function acceptInvitation(
  {
    url,
    transport,
    userAgent,
    allowHttp,
  }: { url: string; transport: Transport; userAgent: string; allowHttp?: boolean },
  body: InvitationAccept,
): Promise<AcceptedInvitation> {
  const server = serverAddress(url, allowHttp)
  const { status, headers, text } = await transport.request({
    method: 'POST',
    url: `${server}/v1/invitations/accept`,
    headers: { accept: 'application/json', 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify(body),
    timeoutMs: SILENCE_MS,
  })
  const answer = await text()
  if (status !== 201) throw apiErrorOf({ status, headers, text: answer, server, during: 'call' })
  return JSON.parse(answer) as AcceptedInvitation
}
