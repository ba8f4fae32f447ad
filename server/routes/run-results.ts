import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Artifact } from '../../contract/artifacts.ts'
import { Page } from '../../contract/pages.ts'
import type { RunResults } from '../domain/run-results.ts'
import type { StreamItem, Waiting } from '../domain/waiting.ts'
import { type App, answerOf, emptyAnswer, leaveSignal, problemAnswers } from './http.ts'

const IdParams = Type.Object({ id: Type.String() })
const PathParams = Type.Object({ id: Type.String(), path: Type.String() })
const config = { access: ['runs:read'] as const }
const tags = ['runs']
/** What hostile files get: they are never shown by a browser as a page of this origin. */
const HARMLESS = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" }

/** What a run printed and left behind. */
export function runResultRoutes(app: App, { results, waiting }: { results: RunResults; waiting: Waiting }): void {
  app.get(
    '/v1/runs/:id/log',
    {
      config,
      schema: {
        tags,
        summary: 'The whole log',
        params: IdParams,
        response: { 200: answerOf('text/plain', 'The log'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const log = await results.log(request.caller, request.params.id)
      return reply
        .headers(HARMLESS)
        .type('text/plain; charset=utf-8')
        .send(Readable.from(log, { objectMode: false }))
    },
  )

  app.get(
    '/v1/runs/:id/junit',
    {
      config,
      schema: {
        tags,
        summary: 'JUnit XML, whatever the suite produced',
        params: IdParams,
        response: { 200: answerOf('application/xml', 'JUnit XML'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const junit = await results.junit(request.caller, request.params.id)
      return reply.headers(HARMLESS).type('application/xml; charset=utf-8').send(junit)
    },
  )

  app.get(
    '/v1/runs/:id/events',
    {
      config,
      schema: {
        tags,
        summary: 'States and log as they come (SSE)',
        params: IdParams,
        response: {
          200: answerOf('text/event-stream', 'Events `state` and `log`'),
          204: emptyAnswer('Nothing comes after `Last-Event-ID` any more'),
          ...problemAnswers,
        },
      },
    },
    async (request, reply) => {
      const lastEventId = request.headers['last-event-id']
      const items = await waiting.follow(request.caller, request.params.id, {
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        signal: leaveSignal(reply),
      })
      if (!items) return reply.code(204).send()
      reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' }).type('text/event-stream; charset=utf-8')
      return reply.send(Readable.from(eventStream(items), { objectMode: false }))
    },
  )

  app.get(
    '/v1/runs/:id/artifacts',
    {
      config,
      schema: {
        tags,
        summary: 'Files that the run left behind',
        params: IdParams,
        response: { 200: Page(Artifact), ...problemAnswers },
      },
    },
    async (request) => ({
      items: await results.artifacts(request.caller, request.params.id),
      next: null,
    }),
  )

  app.get(
    '/v1/runs/:id/artifacts/:path',
    {
      config,
      schema: {
        tags,
        summary: 'Download an artifact',
        params: PathParams,
        response: { 200: answerOf('application/octet-stream', 'The file'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { path } = request.params
      const { bytes, content } = await results.artifact(request.caller, request.params.id, path)
      const name = path.split('/').at(-1) ?? 'artifact'
      reply.headers({
        ...HARMLESS,
        'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd')).replace(/['()*]/g, percent)}`,
      })
      return reply
        .type('application/octet-stream')
        .header('content-length', bytes)
        .send(Readable.from(content, { objectMode: false }))
    },
  )
}

const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

/** The wire form of server-sent events (WHATWG HTML 9.2.5). JSON holds no raw line break, so one `data:` line is enough. */
async function* eventStream(items: AsyncIterable<StreamItem>): AsyncIterable<string> {
  yield ': connected\n\n'
  for await (const item of items) {
    if (item.event === 'heartbeat') yield ': heartbeat\n\n'
    else
      yield `event: ${item.event}\nid: ${item.id}\ndata: ${JSON.stringify(item.event === 'state' ? item.run : item.text)}\n\n`
  }
}
