import { type Static, Type } from 'typebox'
import { DELIVERY_STATES } from './callback-kinds.ts'
import { Closed, Nullable, Time } from './fields.ts'
import { PageQuery } from './pages.ts'

/** One event for one callback, or for the `callbackUrl` of one run. */
export const Delivery = Type.Object(
  {
    id: Type.String(),
    event: Type.String({ description: 'the webhook-id: the same in every attempt' }),
    type: Type.String(),
    callback: Nullable(Type.String({ description: 'null: the callbackUrl of a run' })),
    run: Nullable(Type.String()),
    suite: Nullable(Type.String()),
    url: Type.String({ description: 'only its host without the scope callbacks:write' }),
    state: Type.Enum([...DELIVERY_STATES]),
    attempts: Type.Integer(),
    nextAttemptAt: Nullable(Time),
    lastStatus: Nullable(Type.Integer()),
    lastError: Nullable(Type.String()),
    createdAt: Time,
    finishedAt: Nullable(Time),
  },
  { $id: 'Delivery' },
)
export type Delivery = Static<typeof Delivery>

export const DeliveryAttempt = Type.Object({
  number: Type.Integer(),
  at: Time,
  durationMs: Type.Integer(),
  status: Nullable(Type.Integer()),
  error: Nullable(Type.String()),
  answer: Nullable(Type.String({ description: 'the first 2 kB; never of a private address' })),
})
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

export const DeliveryDetail = Type.Object(
  {
    ...Delivery.properties,
    payload: Type.String({ description: 'what was sent, byte for byte' }),
    tries: Type.Array(DeliveryAttempt),
  },
  { $id: 'DeliveryDetail' },
)
export type DeliveryDetail = Static<typeof DeliveryDetail>

export const DeliveryQuery = Closed({
  ...PageQuery,
  callback: Type.Optional(Type.String({ maxLength: 50 })),
  state: Type.Optional(Type.Enum([...DELIVERY_STATES])),
})
export type DeliveryQuery = Static<typeof DeliveryQuery>
