import { type Static, Type } from 'typebox'
import { AUDIT_ACTIONS, AUDIT_OUTCOMES } from './audit-actions.ts'
import { Closed, Nullable, Time } from './fields.ts'
import { PageQuery } from './pages.ts'

/** What was done, by whom, with which credential, from where. Only added to. */
export const AuditEvent = Type.Object(
  {
    id: Type.String(),
    createdAt: Time,
    action: Type.Enum([...AUDIT_ACTIONS]),
    outcome: Type.Enum([...AUDIT_OUTCOMES]),
    workspace: Nullable(Type.String()),
    user: Nullable(Type.String({ description: 'who did it' })),
    credential: Nullable(Type.String({ description: 'the API key, or oidc:… for a signed-in person' })),
    address: Nullable(Type.String()),
    requestId: Nullable(Type.String()),
    target: Nullable(Type.String({ description: 'what it was done to' })),
    detail: Type.Record(Type.String(), Type.String()),
  },
  { $id: 'AuditEvent' },
)
export type AuditEvent = Static<typeof AuditEvent>

export const AuditQuery = Closed({
  ...PageQuery,
  user: Type.Optional(Type.String({ maxLength: 100 })),
  key: Type.Optional(Type.String({ maxLength: 300 })),
  action: Type.Optional(Type.Enum([...AUDIT_ACTIONS])),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
  format: Type.Optional(Type.Enum(['json', 'jsonl'], { description: 'jsonl: all of it, one JSON object a line' })),
})
export type AuditQuery = Static<typeof AuditQuery>
