import type { User, UserPatch } from '../contract/users.ts'
import type { CommandSpec } from './command.ts'
import { confirmed } from './confirm.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { table } from './table.ts'

export const usersList: CommandSpec = {
  name: 'users list',
  summary: 'list the users of the server, or the service users of the workspace',
  examples: ['verdict users list', 'verdict users list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.users.list())
      const rows = items.map((user) => [
        user.id,
        user.kind,
        user.disabled ? 'disabled' : 'enabled',
        user.externalId ?? '',
        user.name ?? user.email ?? '',
      ])
      call.output.result(
        { items },
        items.length === 0 ? 'no users' : table(['ID', 'KIND', 'STATE', 'EXTERNAL ID', 'NAME'], rows),
      )
      return 0
    }),
}

export const usersPut: CommandSpec<{ readonly name?: string; readonly email?: string }> = {
  name: 'users put',
  arguments: '<external-id>',
  summary: 'make the person whom your own system knows by this id, or change them',
  options: [
    { flags: '--name <name>', description: 'what they are called' },
    { flags: '--email <address>', description: 'their address' },
  ],
  examples: ["verdict users put 'auth0|1234' --name Ann"],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { name, email } = call.options
      const body: UserPatch = { ...(name && { name }), ...(email && { email }) }
      const user = await client.users.put(call.args[0] ?? '', body)
      call.output.result(user, user.id)
      return 0
    }),
}

const switching = (verb: 'disable' | 'enable', summary: string): CommandSpec => ({
  name: `users ${verb}`,
  arguments: '<user>',
  summary,
  examples: [`verdict users ${verb} usr_01jd3v9q8m7x5k2r4t6w8y0zab`],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const user: User = await client.users.change(call.args[0] ?? '', { disabled: verb === 'disable' })
      call.output.result(user, `${user.id} ${verb}d`)
      return 0
    }),
})
export const usersDisable = switching('disable', 'stop all of a user: keys, tokens and runs, within a second')
export const usersEnable = switching('enable', 'let a user go on; their keys are good again')

export const usersDelete: CommandSpec<{ readonly yes?: boolean }> = {
  name: 'users delete',
  arguments: '<user>',
  summary: 'delete a user, their keys, and the workspaces that are theirs alone',
  options: [{ flags: '--yes', description: 'do not ask' }],
  examples: ['verdict users delete usr_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const [user = ''] = call.args
      await confirmed(call, `Delete ${user} and the workspaces that are theirs alone, for good?`)
      await client.users.delete(user)
      call.output.result({ user }, `${user} deleted`)
      return 0
    }),
}
