import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'
import { TRIGGER_KINDS } from './trigger-kinds.ts'

const Patterns = Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
  description: 'exact, or with * for any characters',
})
const Variable = Type.Union([
  Type.String({ maxLength: 32_768 }),
  Closed({ pointer: Type.String({ maxLength: 500, description: 'JSON Pointer (RFC 6901) into the payload' }) }),
])
const Variables = Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Variable, {
  maxProperties: 100,
  additionalProperties: false,
})

const Changeable = {
  events: Type.Optional(Nullable(Patterns)),
  branches: Type.Optional(Nullable(Patterns)),
  repositories: Type.Optional(Nullable(Patterns)),
  forks: Type.Optional(Type.Boolean({ description: 'pull requests from forks, too; default false' })),
  variables: Type.Optional(Variables),
  callbackUrl: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 2000 }))),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
}

export const TriggerCreate = Closed({
  suite: Type.String({ minLength: 1, maxLength: 100 }),
  kind: Type.Enum([...TRIGGER_KINDS]),
  source: Type.Optional(Type.Enum(['stored', 'git'], { description: 'default: what the suite has' })),
  ...Changeable,
})
export type TriggerCreate = Static<typeof TriggerCreate>

export const TriggerPatch = Closed({ ...Changeable, disabled: Type.Optional(Type.Boolean()) })
export type TriggerPatch = Static<typeof TriggerPatch>

export const Trigger = Type.Object(
  {
    id: Type.String(),
    url: Type.String({ description: 'where the other system sends its webhook' }),
    suite: Type.String(),
    kind: Type.Enum([...TRIGGER_KINDS]),
    source: Type.Enum(['stored', 'git']),
    events: Nullable(Type.Array(Type.String())),
    branches: Nullable(Type.Array(Type.String())),
    repositories: Nullable(Type.Array(Type.String())),
    forks: Type.Boolean(),
    variables: Type.Record(Type.String(), Variable),
    callbackUrl: Nullable(Type.String()),
    description: Nullable(Type.String()),
    disabled: Type.Boolean(),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Trigger' },
)
export type Trigger = Static<typeof Trigger>

/** The only answer that holds the secret. */
export const NewTrigger = Type.Object({ ...Trigger.properties, secret: Type.String() }, { $id: 'NewTrigger' })
export type NewTrigger = Static<typeof NewTrigger>

/** What a webhook is answered that starts no run: why not. */
export const TriggerSkipped = Type.Object({ skipped: Type.String() }, { $id: 'TriggerSkipped' })
export type TriggerSkipped = Static<typeof TriggerSkipped>
