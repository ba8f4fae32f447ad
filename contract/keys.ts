import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'

const ScopeList = Type.Array(Type.String({ maxLength: 50 }), { maxItems: 50, uniqueItems: true })
const SuiteList = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
})
const NameText = Type.String({ minLength: 1, maxLength: 100 })
const IpList = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  minItems: 1,
  maxItems: 100,
  description: 'addresses and networks (CIDR) from which alone the key and its tokens are taken',
})
const AudienceList = Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  description: "the operator's own APIs (VERDICT_AUDIENCES) for which the key gives tokens too",
})
const Limit = Type.Integer({ minimum: 1, maximum: 1_000_000_000 })
const Limits = Closed({ perMinute: Type.Optional(Nullable(Limit)), perDay: Type.Optional(Nullable(Limit)) })
/** The longest time that a replaced key may go on. Seconds. */
export const GRACE_SECONDS_MAX = 604_800

export const KeyCreate = Closed({
  name: NameText,
  description: Type.Optional(Type.String({ maxLength: 500 })),
  workspace: Type.Optional(Type.String({ maxLength: 50 })),
  scopes: Type.Optional(ScopeList),
  suites: Type.Optional(SuiteList),
  expiresAt: Type.Optional(Nullable(Time)),
  allowedIps: Type.Optional(IpList),
  audiences: Type.Optional(AudienceList),
  limits: Type.Optional(Limits),
})
export type KeyCreate = Static<typeof KeyCreate>

export const KeyPatch = Closed({
  name: Type.Optional(NameText),
  description: Type.Optional(Nullable(Type.String({ maxLength: 500 }))),
  scopes: Type.Optional(ScopeList),
  suites: Type.Optional(Nullable(SuiteList)),
  expiresAt: Type.Optional(Nullable(Time)),
  allowedIps: Type.Optional(Nullable(IpList)),
  audiences: Type.Optional(Nullable(AudienceList)),
  limits: Type.Optional(Nullable(Limits)),
})
export type KeyPatch = Static<typeof KeyPatch>

/**
 * How long the replaced key goes on beside its successor: for `graceSeconds`, or until the successor's first use, or
 * until whichever comes first when both are given. With neither: until the first use. Never past its own end.
 */
export const KeyRotate = Closed({
  graceSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: GRACE_SECONDS_MAX })),
  untilFirstUse: Type.Optional(Type.Boolean()),
})
export type KeyRotate = Static<typeof KeyRotate>

export const Key = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Nullable(Type.String()),
    user: Type.String(),
    workspace: Type.String(),
    scopes: Type.Array(Type.String()),
    suites: Nullable(Type.Array(Type.String())),
    allowedIps: Nullable(Type.Array(Type.String())),
    audiences: Nullable(Type.Array(Type.String())),
    limits: Nullable(Type.Object({ perMinute: Nullable(Type.Integer()), perDay: Nullable(Type.Integer()) })),
    replaces: Nullable(Type.String({ description: 'the key that this one was made for by a rotation' })),
    replacedBy: Nullable(Type.String({ description: 'the one key that replaces this one' })),
    start: Type.String({ description: 'the first 8 characters' }),
    end: Type.String({ description: 'the last 4 characters' }),
    createdAt: Time,
    expiresAt: Nullable(Time),
    revokedAt: Nullable(Time),
    lastUsedAt: Nullable(Time),
    lastUsedFrom: Nullable(Type.String({ description: 'the address of the last use that was noted' })),
  },
  { $id: 'Key' },
)
export type Key = Static<typeof Key>

/** The only answer that holds the key itself. */
export const NewKey = Type.Object({ ...Key.properties, key: Type.String() }, { $id: 'NewKey' })
export type NewKey = Static<typeof NewKey>
