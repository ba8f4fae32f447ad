import { InvalidArgumentError } from 'commander'
import { CALLBACK_KINDS, type CallbackKind } from '../contract/callback-kinds.ts'
import type { CallbackCreate } from '../contract/callbacks.ts'
import { EVENT_TYPES } from '../contract/webhook-events.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import type { CommandSpec } from './command.ts'
import { names } from './flags.ts'
import { readSecret } from './prompt.ts'
import { withSession } from './session.ts'

interface CreateOptions {
  readonly kind?: CallbackKind
  readonly repository?: string
  readonly project?: string
  readonly apiUrl?: string
  readonly events?: readonly string[]
  readonly suites?: readonly string[]
  readonly branches?: readonly string[]
  readonly description?: string
}

export const callbacksCreate: CommandSpec<CreateOptions> = {
  name: 'callbacks create',
  arguments: '[url]',
  summary: 'tell an address what happens, or a forge how commits stand',
  details:
    'With an address it is told by signed webhooks, and the secret that signs them goes alone to standard output, once. ' +
    'With --kind github or gitlab the runs of a commit set its status; the token for that is typed at a prompt or read ' +
    'from standard input, never a flag.',
  options: [
    { flags: '--kind <kind>', description: 'standard, github or gitlab (default: standard)', parse: kind },
    { flags: '--repository <owner/name>', description: 'of github: whose commits get the status' },
    { flags: '--project <path>', description: 'of gitlab: group/name or the number of the project' },
    { flags: '--api-url <url>', description: 'of a forge that is not github.com or gitlab.com' },
    { flags: '--events <events>', description: `by comma: ${Object.keys(EVENT_TYPES).join(', ')}`, parse: names },
    { flags: '--suites <patterns>', description: 'only these suites, by comma; * for any characters', parse: names },
    { flags: '--branches <patterns>', description: 'only these branches, by comma', parse: names },
    { flags: '--description <text>', description: 'what it is for' },
  ],
  examples: [
    'verdict callbacks create https://chat.example/hooks/verdict --branches main',
    'verdict callbacks create --kind github --repository acme/shop < token.txt',
  ],
  async act(call) {
    const { options, host, output } = call
    const [url] = call.args
    const { kind = 'standard' } = options
    if (kind === 'standard' && url === undefined) throw new WrongUseError('callbacks create takes the address to tell')
    const body: CallbackCreate = { kind }
    if (url !== undefined) body.url = url
    for (const field of ['repository', 'project', 'apiUrl', 'description'] as const) {
      if (options[field] !== undefined) body[field] = options[field]
    }
    for (const field of ['events', 'suites', 'branches'] as const) {
      if (options[field]) body[field] = [...new Set(options[field])]
    }
    if (kind !== 'standard') body.token = await readSecret(host.stdin, host.stderr, `${kind} token`)
    return withSession(call, async ({ client }) => {
      const made = await client.callbacks.create(body)
      output.result(made, made.secret ?? made.id)
      host.stderr.write(
        made.secret === null
          ? `${made.id} sets the status of commits of ${made.repository ?? made.project}.\n`
          : `This is the only time the secret is shown. ${made.id} is told: ${made.events.join(' ')}.\n` +
              `Try it: verdict callbacks test ${made.id}\n`,
      )
      return 0
    })
  },
}

function kind(value: string): CallbackKind {
  if (Object.hasOwn(CALLBACK_KINDS, value)) return value as CallbackKind
  throw new InvalidArgumentError(`It takes ${Object.keys(CALLBACK_KINDS).join(', ')}.`)
}
