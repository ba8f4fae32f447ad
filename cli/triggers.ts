import { InvalidArgumentError } from 'commander'
import { TRIGGER_KINDS, type TriggerKind } from '../contract/trigger-kinds.ts'
import type { Trigger, TriggerCreate } from '../contract/triggers.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import type { CommandSpec } from './command.ts'
import { confirmed } from './confirm.ts'
import { names, variable } from './flags.ts'
import { collect } from './listing.ts'
import { overlapOf, overlapOption, type RotateOptions, showNewSecret } from './rotate-secret.ts'
import { withSession } from './session.ts'
import { storedSuite } from './suite-name.ts'
import { table } from './table.ts'

interface CreateOptions {
  readonly kind?: TriggerKind
  readonly events?: readonly string[]
  readonly branches?: readonly string[]
  readonly repositories?: readonly string[]
  readonly forks?: boolean
  readonly variable?: Readonly<Record<string, string>>
  readonly variableFrom?: Readonly<Record<string, string>>
  readonly callbackUrl?: string
  readonly description?: string
}

export const triggersCreate: CommandSpec<CreateOptions> = {
  name: 'triggers create',
  arguments: '<suite>',
  summary: "make an address that runs a stored suite when another system's webhook arrives",
  details: 'The secret goes alone to standard output, once; the address, and where to put both, beside it.',
  options: [
    { flags: '--kind <kind>', description: 'who sends: github, gitlab or standard (Standard Webhooks)', parse: kind },
    { flags: '--events <events>', description: 'by comma, such as push,pull_request.opened', parse: names },
    {
      flags: '--branches <patterns>',
      description: 'only these branches, by comma; * for any characters',
      parse: names,
    },
    { flags: '--repositories <patterns>', description: 'only these repositories, by comma', parse: names },
    { flags: '--forks', description: 'pull requests from forks, too' },
    { flags: '--variable <KEY=VALUE>', description: "a variable of the suite's; may be repeated", parse: variable },
    {
      flags: '--variable-from <KEY=POINTER>',
      description: 'a variable from the payload, by JSON Pointer; may be repeated',
      parse: variable,
    },
    { flags: '--callback-url <url>', description: 'is told the end of each run' },
    { flags: '--description <text>', description: 'what it is for' },
  ],
  examples: [
    'verdict triggers create smoke --kind github --branches main',
    'verdict triggers create smoke --kind standard --variable-from TARGET=/data/url',
  ],
  act: (call) => {
    const { options, host, output } = call
    if (options.kind === undefined) throw new WrongUseError(`triggers create takes --kind ${TRIGGER_KINDS.join('|')}`)
    const { kind } = options
    return withSession(call, async ({ client }) => {
      const suite = await storedSuite(client, call.directory, call.args[0] ?? '')
      const made = await client.triggers.create(bodyOf(suite.name, kind, options))
      output.result(made, made.secret)
      host.stderr.write(
        `This is the only time the secret is shown. Webhooks of ${kind} go to\n  ${made.url}\n${HINTS[kind]}\n`,
      )
      return 0
    })
  },
}

const HINTS: Readonly<Record<TriggerKind, string>> = {
  github:
    'Put both into the repository: Settings, Webhooks, "Payload URL" and "Secret", content type application/json.',
  gitlab: 'Put both into the project: Settings, Webhooks, "URL" and "Secret token".',
  standard: 'Give both to the sender.',
}

function bodyOf(suite: string, kind: TriggerKind, options: CreateOptions): TriggerCreate {
  const body: TriggerCreate = { suite, kind }
  for (const field of ['events', 'branches', 'repositories'] as const) {
    if (options[field]) body[field] = [...new Set(options[field])]
  }
  for (const field of ['callbackUrl', 'description'] as const) {
    if (options[field] !== undefined) body[field] = options[field]
  }
  if (options.forks) body.forks = true
  const from = Object.entries(options.variableFrom ?? {}).map(([name, pointer]) => [name, { pointer }] as const)
  const variables = { ...options.variable, ...Object.fromEntries(from) }
  if (Object.keys(variables).length > 0) body.variables = variables
  return body
}

export const triggersList: CommandSpec = {
  name: 'triggers list',
  summary: 'list triggers',
  examples: ['verdict triggers list', 'verdict triggers list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.triggers.list())
      const heading = ['ID', 'SUITE', 'KIND', 'EVENTS', 'BRANCHES', 'STATE', 'DESCRIPTION']
      call.output.result({ items }, items.length === 0 ? 'no triggers' : table(heading, items.map(row)))
      return 0
    }),
}

function row({ id, suite, kind, events, branches, disabled, description }: Trigger): string[] {
  const all = (list: readonly string[] | null, otherwise: string) => list?.join(',') ?? otherwise
  return [
    id,
    suite,
    kind,
    all(events, 'default'),
    all(branches, 'all'),
    disabled ? 'disabled' : 'active',
    description ?? '',
  ]
}

export const triggersDelete: CommandSpec<{ readonly yes?: boolean }> = {
  name: 'triggers delete',
  arguments: '<trigger...>',
  summary: 'delete triggers, by id',
  options: [{ flags: '--yes', description: 'do not ask at the terminal' }],
  examples: ['verdict triggers delete trg_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // Looked up first, so that a slip in one leaves all of them as they are.
      for (const id of call.args) await client.triggers.get(id)
      await confirmed(call, `Delete ${call.args.join(', ')}?`)
      for (const id of call.args) await client.triggers.delete(id)
      call.output.result({ items: call.args.map((id) => ({ id })) }, call.args.map((id) => `${id} deleted`).join('\n'))
      return 0
    }),
}

export const triggersRotate: CommandSpec<RotateOptions> = {
  name: 'triggers rotate-secret',
  arguments: '<trigger>',
  summary: 'make a new secret for a trigger and print it, once',
  options: [overlapOption],
  examples: ['verdict triggers rotate-secret trg_01jd3v9q8m7x5k2r4t6w8y0zab --overlap 1h'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      showNewSecret(call, await client.triggers.rotateSecret(call.args[0] ?? '', overlapOf(call.options)))
      return 0
    }),
}

function kind(value: string): TriggerKind {
  const known = TRIGGER_KINDS.find((one) => one === value)
  if (!known) throw new InvalidArgumentError(`It takes ${TRIGGER_KINDS.join(', ')}.`)
  return known
}
