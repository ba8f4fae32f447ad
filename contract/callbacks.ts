import { type Static, Type } from 'typebox'
import { OVERLAP_SECONDS_MAX } from './callback-kinds.ts'
import { Closed, Nullable, Time } from './fields.ts'
import { EVENT_TYPES } from './webhook-events.ts'

const Patterns = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
  description: 'exact, or with * for any characters',
})
const Events = Type.Array(Type.String({ maxLength: 50 }), {
  minItems: 1,
  maxItems: 20,
  uniqueItems: true,
  description: Object.keys(EVENT_TYPES).join(', '),
})
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength })

const Filters = {
  events: Type.Optional(Nullable(Events)),
  suites: Type.Optional(Nullable(Patterns)),
  branches: Type.Optional(Nullable(Patterns)),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
}

/** Which fields go with which kind is a table: contract/callback-kinds.ts. */
export const CallbackCreate = Closed({
  kind: Type.Optional(Type.Enum(['standard', 'github', 'gitlab'])),
  url: Type.Optional(Text(2000)),
  repository: Type.Optional(Text(200)),
  project: Type.Optional(Text(500)),
  token: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'write-only' })),
  apiUrl: Type.Optional(Text(2000)),
  ...Filters,
})
export type CallbackCreate = Static<typeof CallbackCreate>

export const CallbackPatch = Closed({
  url: Type.Optional(Text(2000)),
  token: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'write-only' })),
  ...Filters,
  disabled: Type.Optional(Type.Boolean({ description: 'false: try again' })),
})
export type CallbackPatch = Static<typeof CallbackPatch>

export const Callback = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum(['standard', 'github', 'gitlab']),
    url: Nullable(Type.String({ description: 'only its host without the scope callbacks:write' })),
    repository: Nullable(Type.String()),
    project: Nullable(Type.String()),
    apiUrl: Nullable(Type.String()),
    events: Type.Array(Type.String()),
    suites: Nullable(Type.Array(Type.String())),
    branches: Nullable(Type.Array(Type.String())),
    description: Nullable(Type.String()),
    state: Type.Enum(['active', 'failing', 'disabled']),
    failingSince: Nullable(Time),
    disabledAt: Nullable(Time),
    disabledReason: Nullable(Type.String()),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Callback' },
)
export type Callback = Static<typeof Callback>

/** The only answer that holds the secret; null for kinds that are not signed. */
export const NewCallback = Type.Object(
  { ...Callback.properties, secret: Nullable(Type.String()) },
  { $id: 'NewCallback' },
)
export type NewCallback = Static<typeof NewCallback>

/** How long the old secret goes on beside the new one; 0 after a leak. */
export const SecretRotate = Closed({
  overlapSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: OVERLAP_SECONDS_MAX })),
})
export type SecretRotate = Static<typeof SecretRotate>

export const NewSecret = Type.Object({ secret: Type.String(), oldSecretUntil: Nullable(Time) }, { $id: 'NewSecret' })
export type NewSecret = Static<typeof NewSecret>
