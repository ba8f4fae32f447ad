import type { Callback } from '../contract/callbacks.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import type { CommandSpec } from './command.ts'
import { confirmed } from './confirm.ts'
import { collect } from './listing.ts'
import { overlapOf, overlapOption, type RotateOptions, showNewSecret } from './rotate-secret.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

export const callbacksList: CommandSpec = {
  name: 'callbacks list',
  summary: 'list callbacks and how they stand',
  examples: ['verdict callbacks list', 'verdict callbacks list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.callbacks.list())
      const heading = ['ID', 'KIND', 'STATE', 'SUITES', 'BRANCHES', 'WHERE']
      call.output.result({ items }, items.length === 0 ? 'no callbacks' : table(heading, items.map(row)))
      for (const { id, disabledReason } of items) {
        if (disabledReason !== null)
          call.output.warn(`${id} is disabled: ${disabledReason} (verdict callbacks enable ${id})`)
      }
      return 0
    }),
}

function row(callback: Callback): string[] {
  const { id, kind, suites, branches, url, repository, project } = callback
  return [
    id,
    kind,
    state(callback),
    suites?.join(',') ?? 'all',
    branches?.join(',') ?? 'all',
    url ?? repository ?? project ?? '',
  ]
}

function state({ state, failingSince, disabledAt }: Callback): string {
  if (state === 'disabled') return `disabled ${shortTime(disabledAt)}`
  return state === 'failing' ? `failing since ${shortTime(failingSince)}` : state
}

export const callbacksDelete: CommandSpec<{ readonly yes?: boolean }> = {
  name: 'callbacks delete',
  arguments: '<callback...>',
  summary: 'delete callbacks, by id',
  options: [{ flags: '--yes', description: 'do not ask at the terminal' }],
  examples: ['verdict callbacks delete cbk_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // Looked up first, so that a slip in one leaves all of them as they are.
      for (const id of call.args) await client.callbacks.get(id)
      await confirmed(call, `Delete ${call.args.join(', ')}? What is still to be delivered is given up.`)
      for (const id of call.args) await client.callbacks.delete(id)
      call.output.result({ items: call.args.map((id) => ({ id })) }, call.args.map((id) => `${id} deleted`).join('\n'))
      return 0
    }),
}

export const callbacksEnable: CommandSpec = {
  name: 'callbacks enable',
  arguments: '<callback>',
  summary: 'take a callback that was disabled into use again',
  examples: ['verdict callbacks enable cbk_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const callback = await client.callbacks.change(call.args[0] ?? '', { disabled: false })
      call.output.result(callback, `${callback.id} is active`)
      return 0
    }),
}

export const callbacksTest: CommandSpec = {
  name: 'callbacks test',
  arguments: '<callback>',
  summary: 'send a test event',
  examples: ['verdict callbacks test cbk_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const delivery = await client.callbacks.test(call.args[0] ?? '')
      call.output.result(delivery, `${delivery.id} is on its way; see \`verdict callbacks deliveries ${delivery.id}\``)
      return 0
    }),
}

export const callbacksRotate: CommandSpec<RotateOptions & { readonly ofRuns?: boolean }> = {
  name: 'callbacks rotate-secret',
  arguments: '[callback]',
  summary: 'make a new secret for a callback, or for the callbackUrl of runs, and print it, once',
  options: [
    overlapOption,
    { flags: '--of-runs', description: 'the secret that signs what goes to the callbackUrl of runs' },
  ],
  examples: [
    'verdict callbacks rotate-secret cbk_01jd3v9q8m7x5k2r4t6w8y0zab',
    'verdict callbacks rotate-secret --of-runs --overlap 0',
  ],
  act: (call) => {
    const [id] = call.args
    if ((id === undefined) === (call.options.ofRuns !== true))
      throw new WrongUseError('callbacks rotate-secret takes either a callback or --of-runs')
    const body = overlapOf(call.options)
    return withSession(call, async ({ client: { callbacks } }) => {
      showNewSecret(call, await (id === undefined ? callbacks.rotateRunSecret(body) : callbacks.rotateSecret(id, body)))
      return 0
    })
  },
}
