import { isReservedName, VARIABLE_NAME } from '../contract/names.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import type { CommandSpec } from './command.ts'
import { collect } from './listing.ts'
import { readSecret } from './prompt.ts'
import { withSession } from './session.ts'
import { storedSuite } from './suite-name.ts'
import { shortTime, table } from './table.ts'

export const secretSet: CommandSpec = {
  name: 'suites secret set',
  arguments: '<suite> <NAME>',
  summary: 'keep a secret for a pushed suite',
  details:
    'The value is typed at a prompt without echo, or read from standard input less its last line end; it is never a flag ' +
    'and never shown again. Only runs of the pushed definition get it: a run that brings its own tree is sent secrets with ' +
    '`verdict run --secret NAME`.',
  examples: ['verdict suites secret set smoke SHOP_TOKEN', 'verdict suites secret set smoke SHOP_TOKEN < token.txt'],
  async act(call) {
    const [typed = '', name = ''] = call.args
    if (!VARIABLE_NAME.test(name)) {
      throw new WrongUseError(
        'a secret has a name like SHOP_TOKEN (letters, digits, _), and its value comes from a prompt or standard input',
      )
    }
    if (isReservedName(name)) throw new WrongUseError(`${name} is reserved: choose another name`)
    const value = await readSecret(call.host.stdin, call.host.stderr, `value of ${name}`)
    return withSession(call, async ({ client }) => {
      const { name: suite } = await storedSuite(client, call.directory, typed)
      await client.suites.setSecret(suite, name, value)
      call.output.result({ suite, name }, `${name} is kept for ${suite}`)
      return 0
    })
  },
}

export const secretList: CommandSpec = {
  name: 'suites secret list',
  arguments: '<suite>',
  summary: 'list the names of the secrets kept for a suite',
  examples: ['verdict suites secret list smoke'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const suite = await storedSuite(client, call.directory, call.args[0] ?? '')
      const items = await collect(client.suites.secrets(suite.name))
      const rows = items.map(({ name, updatedAt }) => [name, shortTime(updatedAt)])
      call.output.result({ items }, items.length === 0 ? 'no secrets' : table(['NAME', 'SET (UTC)'], rows))
      return 0
    }),
}

export const secretDelete: CommandSpec = {
  name: 'suites secret delete',
  arguments: '<suite> <NAME>',
  summary: 'delete a secret kept for a suite',
  examples: ['verdict suites secret delete smoke SHOP_TOKEN'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const [typed = '', name = ''] = call.args
      const { name: suite } = await storedSuite(client, call.directory, typed)
      await client.suites.deleteSecret(suite, name)
      call.output.result({ suite, name }, `${name} of ${suite} is deleted`)
      return 0
    }),
}
