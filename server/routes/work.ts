import { Readable } from 'node:stream'
import { Type } from 'typebox'
import {
  WorkAnswer,
  WorkBeat,
  WorkCases,
  WorkClaim,
  WorkClaimed,
  WorkerHello,
  WorkerWelcome,
  WorkFinish,
  WorkLog,
  WorkOrder,
} from '../../contract/work.ts'
import { Problem } from '../domain/problem.ts'
import type { RemoteWork } from '../domain/remote-work.ts'
import { type App, answerOf, leaveSignal, problemAnswers } from './http.ts'

const LeaseParams = Type.Object({
  run: Type.String({ maxLength: 50 }),
  attempt: Type.String({ pattern: '^[0-9]{1,9}$' }),
})
const FileParams = Type.Object({ ...LeaseParams.properties, path: Type.String({ minLength: 1, maxLength: 1000 }) })
const config = { access: ['work'] as const }
const tags = ['work']
/** Above what a worker puts into one call (CASES_LENGTH), with what JSON adds to it. */
const CASES_MAX_BYTES = 16 * 1024 ** 2
const LOG_MAX_BYTES = 4 * 1024 ** 2
const answered = { 200: WorkAnswer, ...problemAnswers }

const leaseOf = ({ run, attempt }: { run: string; attempt: string }) => ({ run, attempt: Number(attempt) })

/** The worker's side (design 4): each verb of the port is one address. Only for tokens of workers. */
export function workRoutes(app: App, { remoteWork: work }: { remoteWork: RemoteWork }): void {
  const verb = (name: string) => `/v1/work/:run/:attempt/${name}`
  const schema = { tags, params: LeaseParams, response: answered }

  app.post(
    '/v1/work/hello',
    {
      config,
      schema: {
        tags,
        summary: 'Say what the worker is',
        body: WorkerHello,
        response: { 200: WorkerWelcome, ...problemAnswers },
      },
    },
    ({ caller, body }) => work.hello(caller, body),
  )
  app.post(
    '/v1/work/claim',
    {
      config,
      schema: {
        tags,
        summary: 'Take the next run; held until there is one',
        body: WorkClaim,
        response: { 200: WorkClaimed, ...problemAnswers },
      },
    },
    async ({ caller, body }, reply) => {
      const { waitMs, ...facts } = body
      const job = await work.claim(caller, facts, waitMs, leaveSignal(reply))
      // It may hold secrets.
      reply.header('cache-control', 'no-store')
      return { job: job ?? null }
    },
  )
  app.post(
    verb('heartbeat'),
    {
      config,
      schema: {
        tags,
        summary: 'Prolong the lease; held until the run is to be stopped',
        params: LeaseParams,
        body: WorkBeat,
        response: { 200: WorkOrder, ...problemAnswers },
      },
    },
    ({ caller, params, body }, reply) => work.of(caller).heartbeat(leaseOf(params), body.waitMs, leaveSignal(reply)),
  )
  app.post(
    verb('log'),
    { config, bodyLimit: LOG_MAX_BYTES, schema: { ...schema, summary: 'Hand in output', body: WorkLog } },
    async ({ caller, params, body }) => ({ answer: await work.of(caller).log(leaseOf(params), body.seq, body.text) }),
  )
  app.post(
    verb('cases'),
    { config, bodyLimit: CASES_MAX_BYTES, schema: { ...schema, summary: 'Hand in cases', body: WorkCases } },
    async ({ caller, params, body }) => ({
      answer: await work.of(caller).cases(leaseOf(params), body.seq, body.cases),
    }),
  )
  app.post(
    verb('finish'),
    { config, schema: { ...schema, summary: 'Hand in the verdict', body: WorkFinish } },
    async ({ caller, params, body }) => ({ answer: await work.of(caller).finish(leaseOf(params), body) }),
  )
  app.post(
    verb('release'),
    { config, schema: { ...schema, summary: 'Hand the run back' } },
    async ({ caller, params }) => ({ answer: await work.of(caller).release(leaseOf(params)) }),
  )
  app.get(
    verb('archive'),
    {
      config,
      schema: {
        tags,
        summary: 'The packed tree of the run',
        params: LeaseParams,
        response: { 200: answerOf('application/gzip', 'A tar.gz'), ...problemAnswers },
      },
    },
    async ({ caller, params }, reply) => {
      const content = await work.of(caller).archive(leaseOf(params))
      if (!content)
        throw new Problem('not_found', 'The files of this run are not there, or the worker does not hold it.')
      return reply.type('application/gzip').send(Readable.from(content, { objectMode: false }))
    },
  )
  artifactRoute(app, work)
}

/** In a scope of its own: its body is a file and is never read whole. */
function artifactRoute(app: App, work: RemoteWork): void {
  app.register(async (uploads: App) => {
    uploads.removeAllContentTypeParsers()
    uploads.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
    uploads.put(
      '/v1/work/:run/:attempt/artifacts/:path',
      {
        config,
        schema: {
          tags,
          summary: 'Keep a file for people',
          params: FileParams,
          consumes: ['application/octet-stream'],
          response: answered,
        },
      },
      async ({ caller, params, body }) => {
        const content = (body ?? Readable.from([])) as AsyncIterable<Uint8Array>
        return { answer: await work.of(caller).artifact(leaseOf(params), params.path, content) }
      },
    )
  })
}
