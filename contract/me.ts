import { type Static, Type } from 'typebox'
import { Nullable, Time } from './fields.ts'
import { ROLES } from './scopes.ts'
import { USER_KINDS } from './users.ts'

/** Who the caller is: `GET /v1/me`. */
export const Me = Type.Object(
  {
    user: Type.Object({
      id: Type.String(),
      kind: Type.Enum([...USER_KINDS]),
      name: Nullable(Type.String()),
      email: Nullable(Type.String()),
    }),
    workspace: Type.Object({ id: Type.String(), name: Type.String(), role: Type.Enum([...ROLES]) }),
    credential: Type.Object({
      kind: Type.Enum(['key', 'oidc']),
      id: Type.String(),
      name: Type.String(),
      expiresAt: Nullable(Time),
    }),
    scopes: Type.Array(Type.String()),
    suites: Nullable(Type.Array(Type.String())),
    expiresAt: Time,
  },
  { $id: 'Me' },
)
export type Me = Static<typeof Me>
