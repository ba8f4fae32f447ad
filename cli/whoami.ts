import type { Me } from '../contract/me.ts'
import { oneLine } from '../report/text.ts'
import type { CommandSpec } from './command.ts'
import { withSession } from './session.ts'

export const whoami: CommandSpec = {
  name: 'whoami',
  summary: 'say which server, user, workspace and key a command would use',
  examples: ['verdict whoami', 'verdict whoami --json'],
  act: (call) =>
    withSession(call, async ({ client, settings }) => {
      const me = await client.me()
      call.output.result(me, `${describeMe(me, client.url)}\nkey from    ${settings.keyFrom}`)
      return 0
    }),
}

/** What a person wants to know of a key that works. */
export function describeMe(me: Me, url: string): string {
  const { user, workspace, credential } = me
  const lines = [
    ['server', url],
    ['user', user.name ?? user.email ?? user.id],
    ['workspace', `${workspace.name} (${workspace.role})`],
    [
      'key',
      `${credential.name} (${credential.id}), ${credential.expiresAt === null ? 'never expires' : `expires ${credential.expiresAt.slice(0, 10)}`}`,
    ],
    ['may', me.scopes.join(' ')],
    ...(me.suites ? [['suites', me.suites.join(', ')]] : []),
  ]
  return lines.map(([name = '', value = '']) => `${name.padEnd(11)} ${oneLine(value)}`).join('\n')
}
