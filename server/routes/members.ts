import { Type } from 'typebox'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import {
  AcceptedInvitation,
  InvitationAccept,
  InvitationCreate,
  Member,
  MemberPatch,
  NewInvitation,
} from '../../contract/workspaces.ts'
import type { Access } from '../domain/access.ts'
import type { AuditTrail } from '../domain/audit-trail.ts'
import type { Invitations } from '../domain/invitations.ts'
import type { Members } from '../domain/members.ts'
import { pageRequest } from '../domain/paging.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'

const IdParams = Type.Object({ id: Type.String() })
const MemberParams = Type.Object({ id: Type.String(), userId: Type.String() })
const any = { access: 'any' as const }
const owner = { access: ['members:write'] as const }
const tags = ['workspaces']

interface Options {
  readonly members: Members
  readonly invitations: Invitations
  readonly access: Access
  readonly audit: AuditTrail
}

/** Who is in a workspace, and how one comes in. */
export function memberRoutes(app: App, { members, invitations, access, audit }: Options): void {
  app.get(
    '/v1/workspaces/:id/members',
    {
      config: any,
      schema: {
        tags,
        summary: 'List the members of a workspace',
        params: IdParams,
        querystring: PageQuerystring,
        response: { 200: Page(Member), ...problemAnswers },
      },
    },
    ({ caller, params, query }) => members.list(caller, params.id, pageRequest(query)),
  )
  app.patch(
    '/v1/workspaces/:id/members/:userId',
    {
      config: owner,
      schema: {
        tags,
        summary: 'Give a member another role',
        params: MemberParams,
        body: MemberPatch,
        response: { 200: Member, ...problemAnswers },
      },
    },
    ({ caller, params, body }) => members.change(caller, params.id, params.userId, body.role),
  )
  app.delete(
    '/v1/workspaces/:id/members/:userId',
    {
      // Everybody may leave; that others are removed by owners only is the domain's to say.
      config: any,
      schema: {
        tags,
        summary: 'Remove a member, or leave',
        params: MemberParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async ({ caller, params }, reply) => {
      await members.remove(caller, params.id, params.userId)
      return reply.code(204).send()
    },
  )
  app.post(
    '/v1/workspaces/:id/invitations',
    {
      config: owner,
      schema: {
        tags,
        summary: 'Make a one-time link into the workspace; the answer alone shows it',
        params: IdParams,
        body: InvitationCreate,
        response: { 201: NewInvitation, ...problemAnswers },
      },
    },
    async ({ caller, params, body }, reply) => {
      const made = await invitations.create(caller, params.id, body)
      reply.code(201).header('cache-control', 'no-store')
      return made
    },
  )
  app.post(
    '/v1/invitations/accept',
    {
      config: { access: 'public' },
      schema: {
        tags,
        summary: 'Come in by a one-time link: as a new person, or with a token as the person you are',
        body: InvitationAccept,
        response: { 201: AcceptedInvitation, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { authorization } = request.headers
      const caller = authorization === undefined ? undefined : await access.authenticate(authorization, request.ip)
      const accepted = await invitations.accept(caller, request.body)
      await audit.record({
        ...{
          action: 'invitation.accepted',
          outcome: 'done',
          workspace: accepted.key.workspace,
          user: accepted.user.id,
        },
        ...{ credential: caller?.key ?? null, target: accepted.user.id, detail: {} },
        ...{ address: request.ip, requestId: request.id },
      })
      reply.code(201).header('cache-control', 'no-store')
      return accepted
    },
  )
}
