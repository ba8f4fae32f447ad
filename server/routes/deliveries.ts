import { Type } from 'typebox'
import { Delivery, DeliveryDetail, DeliveryQuery } from '../../contract/deliveries.ts'
import { Page } from '../../contract/pages.ts'
import type { Deliveries } from '../domain/deliveries.ts'
import { type App, problemAnswers } from './http.ts'

const params = Type.Object({ id: Type.String() })
const read = { access: ['callbacks:read'] as const }
const write = { access: ['callbacks:write'] as const }
const tags = ['callbacks']

/** What was sent to callbacks, and what came of it. */
export function deliveryRoutes(app: App, { deliveries }: { deliveries: Deliveries }): void {
  app.get(
    '/v1/deliveries',
    {
      config: read,
      schema: {
        tags,
        summary: 'List deliveries',
        querystring: DeliveryQuery,
        response: { 200: Page(Delivery), ...problemAnswers },
      },
    },
    (request) => deliveries.list(request.caller, request.query),
  )
  app.get(
    '/v1/deliveries/:id',
    {
      config: read,
      schema: {
        tags,
        summary: 'A delivery with its attempts',
        params,
        response: { 200: DeliveryDetail, ...problemAnswers },
      },
    },
    (request) => deliveries.get(request.caller, request.params.id),
  )
  app.post(
    '/v1/deliveries/:id/redeliver',
    {
      config: write,
      schema: { tags, summary: 'Send it again', params, response: { 202: Delivery, ...problemAnswers } },
    },
    async (request, reply) => reply.code(202).send(await deliveries.redeliver(request.caller, request.params.id)),
  )
}
