import { Type } from 'typebox'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { NewWorker, Worker, WorkerCreate } from '../../contract/workers.ts'
import type { Replays } from '../domain/idempotency.ts'
import { pageRequest } from '../domain/paging.ts'
import type { Workers } from '../domain/workers.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { answerNewKey, itself } from './new-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const config = { access: ['workers:write'] as const }
const tags = ['workers']

/** Workers on other machines, made, listed and removed. */
export function workerRoutes(app: App, { workers, replays }: { workers: Workers; replays: Replays }): void {
  app.post(
    '/v1/workers',
    {
      config,
      schema: {
        tags,
        summary: 'Make a worker; the answer alone shows its key',
        body: WorkerCreate,
        response: { 200: NewWorker, 201: NewWorker, ...problemAnswers },
      },
    },
    (request, reply) => {
      const make = () => workers.create(request.caller, request.body)
      return answerNewKey(replays, request, reply, ['POST /v1/workers', request.body], make, itself)
    },
  )
  app.get(
    '/v1/workers',
    {
      config,
      schema: {
        tags,
        summary: 'List workers, and what they run',
        querystring: PageQuerystring,
        response: { 200: Page(Worker), ...problemAnswers },
      },
    },
    (request) => workers.list(request.caller, pageRequest(request.query)),
  )
  app.delete(
    '/v1/workers/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Remove a worker; its key is refused within a second',
        params: IdParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await workers.remove(request.caller, request.params.id)
      return reply.code(204).send()
    },
  )
}
