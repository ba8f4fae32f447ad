import { Type } from 'typebox'
import { Key } from '../../contract/keys.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { NewWorkspace, Workspace, WorkspaceDelete, WorkspaceWrite } from '../../contract/workspaces.ts'
import type { Replays } from '../domain/idempotency.ts'
import type { Keys } from '../domain/keys.ts'
import { pageRequest } from '../domain/paging.ts'
import type { Workspaces } from '../domain/workspaces.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { answerNewKey } from './new-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const KeyParams = Type.Object({ id: Type.String(), keyId: Type.String() })
const any = { access: 'any' as const }
const owner = { access: ['members:write'] as const }
const tags = ['workspaces']
const done = { 204: emptyAnswer('Done'), ...problemAnswers }

/** Workspaces, and the keys of their members. */
export function workspaceRoutes(
  app: App,
  { workspaces, keys, replays }: { workspaces: Workspaces; keys: Keys; replays: Replays },
): void {
  app.post(
    '/v1/workspaces',
    {
      config: owner,
      schema: {
        tags,
        summary: 'Make a workspace; the answer alone shows your key for it',
        body: WorkspaceWrite,
        response: { 200: NewWorkspace, 201: NewWorkspace, ...problemAnswers },
      },
    },
    (request, reply) => {
      const { caller, body } = request
      const make = () => workspaces.create(caller, body.name)
      return answerNewKey(replays, request, reply, ['POST /v1/workspaces', body], make, ({ key }) => key)
    },
  )
  app.get(
    '/v1/workspaces',
    {
      config: any,
      schema: {
        tags,
        summary: 'List the workspaces that you are a member of',
        querystring: PageQuerystring,
        response: { 200: Page(Workspace), ...problemAnswers },
      },
    },
    (request) => workspaces.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/workspaces/:id',
    {
      config: any,
      schema: { tags, summary: 'A workspace', params: IdParams, response: { 200: Workspace, ...problemAnswers } },
    },
    (request) => workspaces.get(request.caller, request.params.id),
  )
  app.patch(
    '/v1/workspaces/:id',
    {
      config: owner,
      schema: {
        tags,
        summary: 'Rename a workspace',
        params: IdParams,
        body: WorkspaceWrite,
        response: { 200: Workspace, ...problemAnswers },
      },
    },
    ({ caller, params, body }) => workspaces.rename(caller, params.id, body.name),
  )
  app.delete(
    '/v1/workspaces/:id',
    {
      config: owner,
      schema: {
        tags,
        summary: 'Delete a workspace with everything in it; confirm its name',
        params: IdParams,
        querystring: WorkspaceDelete,
        response: done,
      },
    },
    async ({ caller, params, query }, reply) => {
      await workspaces.delete(caller, params.id, query.confirm)
      return reply.code(204).send()
    },
  )
  app.get(
    '/v1/workspaces/:id/keys',
    {
      config: owner,
      schema: {
        tags,
        summary: 'List the API keys of all members for the workspace',
        params: IdParams,
        querystring: PageQuerystring,
        response: { 200: Page(Key), ...problemAnswers },
      },
    },
    async ({ caller, params, query }) => {
      workspaces.requireOwn(caller, params.id)
      return keys.listOfWorkspace(params.id, pageRequest(query))
    },
  )
  app.delete(
    '/v1/workspaces/:id/keys/:keyId',
    { config: owner, schema: { tags, summary: "Revoke a member's API key", params: KeyParams, response: done } },
    async ({ caller, params }, reply) => {
      workspaces.requireOwn(caller, params.id)
      await keys.revoke(await keys.ofWorkspace(params.id, params.keyId))
      return reply.code(204).send()
    },
  )
}
