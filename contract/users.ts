import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'

export const USER_KINDS = ['person', 'service'] as const
export type UserKind = (typeof USER_KINDS)[number]

const Email = Type.String({ minLength: 3, maxLength: 320 })
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Metadata = Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 1000 }), { maxProperties: 50 })
const MaxKeys = Type.Integer({ minimum: 0, maximum: 100_000 })
const Count = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })

export const UserCreate = Closed({
  externalId: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  email: Type.Optional(Email),
  name: Type.Optional(Name),
  kind: Type.Optional(Type.Enum([...USER_KINDS])),
  metadata: Type.Optional(Metadata),
  limits: Type.Optional(
    Closed({
      maxKeys: Type.Optional(MaxKeys),
      runsPerDay: Type.Optional(Count),
      runningAtOnce: Type.Optional(Count),
    }),
  ),
})
export type UserCreate = Static<typeof UserCreate>

/** What is left out stays as it is; null takes it away. `metadata` is replaced as a whole, `limits` one by one. */
export const UserPatch = Closed({
  email: Type.Optional(Nullable(Email)),
  name: Type.Optional(Nullable(Name)),
  metadata: Type.Optional(Metadata),
  limits: Type.Optional(
    Closed({
      maxKeys: Type.Optional(Nullable(MaxKeys)),
      runsPerDay: Type.Optional(Nullable(Count)),
      runningAtOnce: Type.Optional(Nullable(Count)),
    }),
  ),
  disabled: Type.Optional(Type.Boolean()),
})
export type UserPatch = Static<typeof UserPatch>

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
