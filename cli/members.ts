import { acceptInvitation } from '../client/index.ts'
import { ROLES, type Role } from '../contract/scopes.ts'
import { VERSION } from '../contract/version.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { oneLine } from '../report/text.ts'
import type { CommandSpec } from './command.ts'
import { allowsHttp } from './config.ts'
import { confirmed } from './confirm.ts'
import { duration } from './flags.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

function roleOf(text: string | undefined): Role {
  const role = ROLES.find((one) => one === text)
  if (role) return role
  throw new WrongUseError(`a role is one of ${ROLES.join(', ')}, not ${JSON.stringify(text ?? '')}`)
}

export const membersList: CommandSpec = {
  name: 'members list',
  summary: 'list the members of the workspace',
  examples: ['verdict members list'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { workspace } = await client.me()
      const items = await collect(client.workspaces.members(workspace.id))
      const rows = items.map((one) => [one.user, one.role, one.kind, shortTime(one.since), one.name ?? one.email ?? ''])
      call.output.result({ items }, table(['USER', 'ROLE', 'KIND', 'SINCE (UTC)', 'NAME'], rows))
      return 0
    }),
}

export const membersInvite: CommandSpec<{ readonly email?: string; readonly expires?: number }> = {
  name: 'members invite',
  arguments: '<role>',
  summary: 'make a one-time link into the workspace and print it, once',
  options: [
    { flags: '--email <address>', description: 'whom it is for; nothing is sent' },
    { flags: '--expires <duration>', description: 'how long the link is good (default: 7 days)', parse: duration },
  ],
  examples: ['verdict members invite member --email ann@example.com'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const role = roleOf(call.args[0])
      const { email, expires } = call.options
      const { workspace } = await client.me()
      const body = { role, ...(email && { email }), ...(expires && { expiresInSeconds: expires }) }
      const made = await client.workspaces.invite(workspace.id, body)
      call.output.result(made, made.link)
      call.host.stderr.write(
        `Good once, until ${shortTime(made.expiresAt)} UTC, for a ${role} of ${oneLine(workspace.name)}. They accept it by:\n` +
          '  verdict members accept LINK\n',
      )
      return 0
    }),
}

export const membersAccept: CommandSpec<{ readonly name?: string; readonly email?: string }> = {
  name: 'members accept',
  arguments: '<link>',
  summary: 'come into a workspace by a one-time link, and print your key for it, once',
  details: 'Needs no key: you come in as a new person.',
  options: [
    { flags: '--name <name>', description: 'what you are called' },
    { flags: '--email <address>', description: 'your address (default: the one that was invited)' },
  ],
  examples: ['verdict members accept "$LINK" --name Ann | verdict login --url https://verdict.example.com'],
  async act({ args, options, host, output }) {
    const link = URL.canParse(args[0] ?? '') ? new URL(args[0] ?? '') : undefined
    const token = link?.hash.slice(1)
    if (!link || !token) throw new WrongUseError('the link is the whole address that `verdict members invite` printed')
    const transport = host.transport()
    try {
      const url = link.href.slice(0, link.href.lastIndexOf('/invitation'))
      const { name, email } = options
      const made = await acceptInvitation(
        { url, transport, userAgent: `verdict-cli/${VERSION}`, allowHttp: allowsHttp(host.env) },
        { token, ...(name && { name }), ...(email && { email }) },
      )
      output.result(made, made.key.key)
      host.stderr.write('This is the only time the key is shown. Keep it: `verdict login`.\n')
      return 0
    } finally {
      transport.close()
    }
  },
}

export const membersRole: CommandSpec = {
  name: 'members role',
  arguments: '<user> <role>',
  summary: 'give a member another role, at once',
  examples: ['verdict members role usr_01jd3v9q8m7x5k2r4t6w8y0zab viewer'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const role = roleOf(call.args[1])
      const { workspace } = await client.me()
      const member = await client.workspaces.changeMember(workspace.id, call.args[0] ?? '', role)
      call.output.result(member, `${member.user} is ${member.role} now`)
      return 0
    }),
}

export const membersRemove: CommandSpec<{ readonly yes?: boolean }> = {
  name: 'members remove',
  arguments: '<user>',
  summary: 'take a member, or yourself, out of the workspace; their keys for it end at once',
  options: [{ flags: '--yes', description: 'do not ask' }],
  examples: ['verdict members remove usr_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const [user = ''] = call.args
      const { workspace } = await client.me()
      await confirmed(call, `Remove ${user} from ${oneLine(workspace.name)}?`)
      await client.workspaces.removeMember(workspace.id, user)
      call.output.result({ user }, `${user} removed`)
      return 0
    }),
}
