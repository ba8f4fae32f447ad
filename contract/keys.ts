import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'

const ScopeList = Type.Array(Type.String({ maxLength: 50 }), { maxItems: 50, uniqueItems: true })
const SuiteList = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
})
const NameText = Type.String({ minLength: 1, maxLength: 100 })
const Later = Type.Optional(Type.Unknown({ description: 'Not supported yet' }))

export const KeyCreate = Closed({
  name: NameText,
  description: Type.Optional(Type.String({ maxLength: 500 })),
  workspace: Type.Optional(Type.String({ maxLength: 50 })),
  scopes: Type.Optional(ScopeList),
  suites: Type.Optional(SuiteList),
  expiresAt: Type.Optional(Nullable(Time)),
  allowedIps: Later,
  audiences: Later,
  limits: Later,
})
export type KeyCreate = Static<typeof KeyCreate>

export const KeyPatch = Closed({
  name: Type.Optional(NameText),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  scopes: Type.Optional(ScopeList),
  suites: Type.Optional(Nullable(SuiteList)),
  expiresAt: Type.Optional(Nullable(Time)),
  allowedIps: Later,
  audiences: Later,
  limits: Later,
})
export type KeyPatch = Static<typeof KeyPatch>

export const Key = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Nullable(Type.String()),
    user: Type.String(),
    workspace: Type.String(),
    scopes: Type.Array(Type.String()),
    suites: Nullable(Type.Array(Type.String())),
    start: Type.String({ description: 'the first 8 characters' }),
    end: Type.String({ description: 'the last 4 characters' }),
    createdAt: Time,
    expiresAt: Nullable(Time),
    revokedAt: Nullable(Time),
    lastUsedAt: Nullable(Time),
  },
  { $id: 'Key' },
)
export type Key = Static<typeof Key>

/** The only answer that holds the key itself. */
export const NewKey = Type.Object({ ...Key.properties, key: Type.String() }, { $id: 'NewKey' })
export type NewKey = Static<typeof NewKey>
