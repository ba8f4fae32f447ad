import { type Static, Type } from 'typebox'
import { CASE_STATES } from '../../contract/case-limits.ts'
import { Case } from '../../contract/cases.ts'
import { WAIT_SECONDS_MAX, WAIT_SECONDS_MIN } from '../../contract/events.ts'
import { Page, PageQuery } from '../../contract/pages.ts'
import { Run, RunCreate, RunQuery, RunRerun } from '../../contract/runs.ts'
import type { cancelRun } from '../domain/cancel.ts'
import type { RunReader } from '../domain/run-reader.ts'
import type { Trigger } from '../domain/trigger.ts'
import type { Waiting } from '../domain/waiting.ts'
import { type App, emptyAnswer, leaveSignal, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const CasesQuery = Type.Object(
  { ...PageQuery, state: Type.Optional(Type.Enum([...CASE_STATES])) },
  { additionalProperties: false },
)
type IdParams = Static<typeof IdParams>
const read = { access: ['runs:read'] as const }
const write = { access: ['runs:write'] as const }
const tags = ['runs']

/** Runs: started, read, waited for, cancelled, run again. */
export function runRoutes(
  app: App,
  {
    trigger,
    reader,
    waiting,
    cancel,
  }: { trigger: Trigger; reader: RunReader; waiting: Waiting; cancel: ReturnType<typeof cancelRun> },
): void {
  app.post(
    '/v1/runs',
    {
      config: write,
      schema: { tags, summary: 'Start a run', body: RunCreate, response: { 200: Run, 202: Run, ...problemAnswers } },
    },
    async (request, reply) => {
      const { run, replayed } = await trigger.start(request.caller, request.body, idempotencyKey(request))
      reply.code(202).header('location', `/v1/runs/${run.id}`)
      if (replayed) markReplayed(reply)
      return run
    },
  )

  app.get(
    '/v1/runs',
    {
      config: read,
      schema: {
        tags,
        summary: 'List runs, newest first',
        querystring: RunQuery,
        response: { 200: Page(Run), ...problemAnswers },
      },
    },
    (request) => reader.list(request.caller, request.query),
  )

  app.get(
    '/v1/runs/:id',
    {
      config: read,
      schema: {
        tags,
        summary: 'A run; `Prefer: wait=N` holds the answer',
        params: IdParams,
        response: { 200: Run, 304: emptyAnswer('The version is still the same'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const seconds = preferredWait(request.headers.prefer)
      const version = knownVersion(request.headers['if-none-match'])
      if (seconds !== undefined) reply.header('preference-applied', `wait=${seconds}`)
      const run = await waiting.wait(request.caller, request.params.id, {
        version,
        seconds: seconds ?? 0,
        signal: leaveSignal(reply),
      })
      reply.header('etag', `"${run.version}"`)
      return run.version === version ? reply.code(304).send() : run
    },
  )

  app.post(
    '/v1/runs/:id/cancel',
    {
      config: write,
      schema: { tags, summary: 'Cancel a run', params: IdParams, response: { 200: Run, 202: Run, ...problemAnswers } },
    },
    async (request, reply) => {
      const { run, changed } = await cancel(request.caller, request.params.id)
      return reply.code(changed ? 202 : 200).send(run)
    },
  )

  app.post(
    '/v1/runs/:id/rerun',
    {
      config: write,
      schema: {
        tags,
        summary: 'Run the same again',
        params: IdParams,
        body: Type.Union([RunRerun, Type.Null()]),
        response: { 200: Run, 202: Run, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { run, replayed } = await trigger.rerun(
        request.caller,
        (request.params as IdParams).id,
        request.body ?? {},
        idempotencyKey(request),
      )
      reply.code(202).header('location', `/v1/runs/${run.id}`)
      if (replayed) markReplayed(reply)
      return run
    },
  )

  app.get(
    '/v1/runs/:id/cases',
    {
      config: read,
      schema: {
        tags,
        summary: 'Test cases of a run',
        params: IdParams,
        querystring: CasesQuery,
        response: { 200: Page(Case), ...problemAnswers },
      },
    },
    (request) => reader.cases(request.caller, request.params.id, request.query),
  )
}

/** RFC 7240: `wait` in seconds, clamped; other preferences are ignored. */
function preferredWait(prefer: string | string[] | undefined): number | undefined {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(String(prefer ?? ''))
  return match ? Math.min(WAIT_SECONDS_MAX, Math.max(WAIT_SECONDS_MIN, Number(match[1]))) : undefined
}

/** The version in an `If-None-Match` with one of our ETags; weak or strong is the same here. */
function knownVersion(header: string | undefined): number | undefined {
  const match = /^(?:W\/)?"(\d{1,12})"$/.exec(header ?? '')
  return match ? Number(match[1]) : undefined
}
