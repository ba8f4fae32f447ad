import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'

export const USER_KINDS = ['person', 'service'] as const
export type UserKind = (typeof USER_KINDS)[number]

export const UserCreate = Closed({
  externalId: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  email: Type.Optional(Type.String({ minLength: 3, maxLength: 320 })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  kind: Type.Optional(Type.Enum([...USER_KINDS])),
  metadata: Type.Optional(
    Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 1000 }), { maxProperties: 50 }),
  ),
  limits: Type.Optional(
    Closed({
      maxKeys: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
      runsPerDay: Type.Optional(Type.Integer({ minimum: 0 })),
      runningAtOnce: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
  ),
})
export type UserCreate = Static<typeof UserCreate>

export const User = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum([...USER_KINDS]),
    externalId: Nullable(Type.String()),
    email: Nullable(Type.String()),
    name: Nullable(Type.String()),
    metadata: Type.Record(Type.String(), Type.String()),
    limits: Type.Object({
      maxKeys: Nullable(Type.Integer()),
      runsPerDay: Nullable(Type.Integer()),
      runningAtOnce: Nullable(Type.Integer()),
    }),
    workspace: Type.String({ description: "the person's own, or the service user's only one" }),
    disabled: Type.Boolean(),
    createdAt: Time,
  },
  { $id: 'User' },
)
export type User = Static<typeof User>
