/** Every scope of a token or key, in the order in which they are shown. */
export const SCOPES = [
  'runs:read',
  'runs:write',
  'suites:read',
  'suites:write',
  'callbacks:read',
  'callbacks:write',
  'triggers:read',
  'triggers:write',
  'keys:read',
  'keys:write',
  'members:write',
  'workers:write',
  'trusts:read',
  'trusts:write',
  'audit:read',
  'users:write',
  'admin',
  'work',
] as const
export type Scope = (typeof SCOPES)[number]

export const ROLES = ['viewer', 'member', 'owner'] as const
export type Role = (typeof ROLES)[number]

const VIEWER: readonly Scope[] = [
  'runs:read',
  'suites:read',
  'callbacks:read',
  'triggers:read',
  'keys:read',
  'keys:write',
]
const MEMBER: readonly Scope[] = [...VIEWER, 'runs:write', 'suites:write', 'callbacks:write', 'triggers:write']
const OWNER: readonly Scope[] = [
  ...MEMBER,
  'members:write',
  'workers:write',
  'trusts:read',
  'trusts:write',
  'audit:read',
]

/** What a role may do in its workspace (wire 4). */
export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = { viewer: VIEWER, member: MEMBER, owner: OWNER }

/** Of the whole server: only an admin's key gives them, and keys made on others' behalf never carry them. */
export const SERVER_SCOPES: readonly Scope[] = ['users:write', 'admin']

/** What a new key gets unless asked otherwise, as far as its user's role goes. */
export const DEFAULT_KEY_SCOPES: readonly Scope[] = ['runs:write', 'runs:read', 'suites:read']

export function isScope(value: string): value is Scope {
  return (SCOPES as readonly string[]).includes(value)
}
