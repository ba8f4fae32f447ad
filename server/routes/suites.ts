import { Type } from 'typebox'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { Revision, SecretName, SecretPut, Suite, SuitePut } from '../../contract/suites.ts'
import { pageRequest } from '../domain/paging.ts'
import type { SuiteSecrets } from '../domain/suite-secrets.ts'
import type { Suites } from '../domain/suites.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'

const NameParams = Type.Object({ name: Type.String() })
const SecretParams = Type.Object({ name: Type.String(), secret: Type.String() })
const read = { access: ['suites:read'] as const }
const write = { access: ['suites:write'] as const }
const tags = ['suites']

/** Suites as they were pushed, and the secrets that are kept with them. */
export function suiteRoutes(app: App, { suites, secrets }: { suites: Suites; secrets: SuiteSecrets }): void {
  app.put(
    '/v1/suites/:name',
    {
      config: write,
      schema: {
        tags,
        summary: 'Push a suite',
        params: NameParams,
        body: SuitePut,
        response: { 200: Suite, 201: Suite, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { suite, made } = await suites.push(request.caller, request.params.name, request.body)
      return reply.code(made ? 201 : 200).send(suite)
    },
  )
  app.get(
    '/v1/suites',
    {
      config: read,
      schema: {
        tags,
        summary: 'List suites',
        querystring: PageQuerystring,
        response: { 200: Page(Suite), ...problemAnswers },
      },
    },
    (request) => suites.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/suites/:name',
    {
      config: read,
      schema: { tags, summary: 'A suite', params: NameParams, response: { 200: Suite, ...problemAnswers } },
    },
    (request) => suites.get(request.caller, request.params.name),
  )
  app.delete(
    '/v1/suites/:name',
    {
      config: write,
      schema: {
        tags,
        summary: 'Delete a suite, its revisions and secrets',
        params: NameParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await suites.delete(request.caller, request.params.name)
      return reply.code(204).send()
    },
  )
  app.get(
    '/v1/suites/:name/revisions',
    {
      config: read,
      schema: {
        tags,
        summary: 'What was pushed, newest first',
        params: NameParams,
        querystring: PageQuerystring,
        response: { 200: Page(Revision), ...problemAnswers },
      },
    },
    (request) => suites.revisions(request.caller, request.params.name, pageRequest(request.query)),
  )

  app.put(
    '/v1/suites/:name/secrets/:secret',
    {
      config: write,
      schema: {
        tags,
        summary: 'Keep a secret (write-only)',
        params: SecretParams,
        body: SecretPut,
        response: { 200: SecretName, ...problemAnswers },
      },
    },
    (request) => secrets.put(request.caller, request.params.name, request.params.secret, request.body.value),
  )
  app.get(
    '/v1/suites/:name/secrets',
    {
      config: write,
      schema: {
        tags,
        summary: 'Names and dates of secrets',
        params: NameParams,
        response: { 200: Page(SecretName), ...problemAnswers },
      },
    },
    async (request) => ({
      items: await secrets.list(request.caller, request.params.name),
      next: null,
    }),
  )
  app.delete(
    '/v1/suites/:name/secrets/:secret',
    {
      config: write,
      schema: {
        tags,
        summary: 'Forget a secret',
        params: SecretParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await secrets.delete(request.caller, request.params.name, request.params.secret)
      return reply.code(204).send()
    },
  )
}
