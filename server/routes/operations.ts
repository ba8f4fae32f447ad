import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import { Problem } from '../domain/problem.ts'
import type { Readiness } from '../domain/readiness.ts'
import { type App, answerOf, problemAnswers } from './http.ts'

/** A client that belongs to this server. `sha256` is that of the file. */
export interface ShippedFile {
  readonly file: string
  readonly sha256: string
}

/** Every client that is served below `/cli/`, and what there is to be said of it. */
const CLIENTS = {
  'verdict.mjs': {
    type: 'text/javascript',
    summary: 'The CLI, one file for Node 20 and newer',
    missing: 'This server was started without its CLI (dist/cli/verdict.mjs is missing: npm run bundle).',
  },
  'verdict.sh': {
    type: 'text/x-shellscript',
    summary: 'The client for agents without Node: POSIX sh and curl, one stored suite',
    missing: 'This server was started without shell/verdict.sh, which belongs to its sources.',
  },
} as const
export type ShippedCli = Readonly<Partial<Record<keyof typeof CLIENTS, ShippedFile>>>

const config = { access: 'public' as const }
const ReadinessAnswer = Type.Object({ status: Type.String(), reasons: Type.Array(Type.String()) })
const tags = ['operations']

/** What operators and installers ask. */
export function operationRoutes(
  app: App,
  options: { readiness: () => Promise<Readiness>; metrics: Registry; cli: ShippedCli },
): void {
  app.get(
    '/livez',
    {
      config,
      schema: {
        tags,
        summary: 'Whether the process answers',
        response: { 200: Type.Object({ status: Type.String() }) },
      },
    },
    async () => ({ status: 'alive' }),
  )
  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags,
        summary: 'Whether it can serve; says why not',
        response: { 200: ReadinessAnswer, 503: ReadinessAnswer },
      },
    },
    async (_request, reply) => {
      const { ready, reasons } = await options.readiness()
      if (!ready) reply.code(503).header('retry-after', 2)
      return { status: ready ? 'ready' : 'not ready', reasons: [...reasons] }
    },
  )
  app.get(
    '/metrics',
    {
      config: { access: ['admin'] },
      schema: {
        tags,
        summary: 'Metrics in the Prometheus format',
        response: { 200: answerOf('text/plain', 'Metrics'), ...problemAnswers },
      },
    },
    async (_request, reply) => reply.type(options.metrics.contentType).send(await options.metrics.metrics()),
  )

  for (const [name, { type, summary, missing }] of Object.entries(CLIENTS)) {
    const shipped = (): ShippedFile => {
      const found = options.cli[name as keyof typeof CLIENTS]
      if (found) return found
      throw new Problem('not_found', missing)
    }
    app.get(
      `/cli/${name}`,
      { config, schema: { tags, summary, response: { 200: answerOf(type, name), ...problemAnswers } } },
      async (_request, reply) => {
        const { file } = shipped()
        return reply
          .type(`${type}; charset=utf-8`)
          .header('content-length', (await stat(file)).size)
          .send(createReadStream(file))
      },
    )
    app.get(
      `/cli/${name}.sha256`,
      {
        config,
        schema: {
          tags,
          summary: `The digest of ${name}, as sha256sum -c reads it`,
          response: { 200: answerOf('text/plain', 'SHA-256 and name'), ...problemAnswers },
        },
      },
      async (_request, reply) => reply.type('text/plain; charset=utf-8').send(`${shipped().sha256}  ${name}\n`),
    )
  }
}
