import { type Static, Type } from 'typebox'
import { Closed, Nullable, Time } from './fields.ts'
import { NewKey } from './keys.ts'
import { ROLES } from './scopes.ts'
import { USER_KINDS, User } from './users.ts'

const NameText = Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' })
const RoleName = Type.Enum([...ROLES])

export const WorkspaceWrite = Closed({ name: NameText })
export type WorkspaceWrite = Static<typeof WorkspaceWrite>

/** `confirm`: the workspace's name, so that no slip deletes the wrong one. */
export const WorkspaceDelete = Closed({ confirm: Type.String({ maxLength: 200 }) })

export const Workspace = Type.Object(
  { id: Type.String(), name: Type.String(), role: RoleName, createdAt: Time },
  { $id: 'Workspace', description: '`role`: yours' },
)
export type Workspace = Static<typeof Workspace>

/** The only answer that holds the new workspace's first key, which has as much as the one that made it. */
export const NewWorkspace = Type.Object({ ...Workspace.properties, key: NewKey }, { $id: 'NewWorkspace' })
export type NewWorkspace = Static<typeof NewWorkspace>

export const MemberPatch = Closed({ role: RoleName })
export type MemberPatch = Static<typeof MemberPatch>

export const Member = Type.Object(
  {
    user: Type.String(),
    kind: Type.Enum([...USER_KINDS]),
    name: Nullable(Type.String()),
    email: Nullable(Type.String()),
    role: RoleName,
    since: Time,
  },
  { $id: 'Member' },
)
export type Member = Static<typeof Member>

export const InvitationCreate = Closed({
  role: RoleName,
  email: Type.Optional(Type.String({ minLength: 3, maxLength: 320, description: 'whom it is for; a note' })),
  expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 2_592_000, description: 'default 7 days' })),
})
export type InvitationCreate = Static<typeof InvitationCreate>

/** The only answer that holds the invitation's token. */
export const NewInvitation = Type.Object(
  {
    id: Type.String(),
    workspace: Type.String(),
    role: RoleName,
    email: Nullable(Type.String()),
    createdAt: Time,
    expiresAt: Time,
    token: Type.String({ description: 'good once' }),
    link: Type.String({ description: 'the same as a link: verdict members accept LINK' }),
  },
  { $id: 'NewInvitation' },
)
export type NewInvitation = Static<typeof NewInvitation>

export const InvitationAccept = Closed({
  token: Type.String({ minLength: 1, maxLength: 200 }),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  email: Type.Optional(Type.String({ minLength: 3, maxLength: 320 })),
})
export type InvitationAccept = Static<typeof InvitationAccept>

export const AcceptedInvitation = Type.Object({ user: User, key: NewKey }, { $id: 'AcceptedInvitation' })
export type AcceptedInvitation = Static<typeof AcceptedInvitation>
