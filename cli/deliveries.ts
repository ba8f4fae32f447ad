import { InvalidArgumentError } from 'commander'
import { DELIVERY_STATES, type DeliveryState } from '../contract/callback-kinds.ts'
import type { Delivery, DeliveryDetail } from '../contract/deliveries.ts'
import { isId } from '../contract/ids.ts'
import { neutral } from '../report/terminal.ts'
import { oneLine } from '../report/text.ts'
import type { CommandSpec } from './command.ts'
import { count } from './flags.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

interface DeliveriesOptions {
  readonly state?: DeliveryState
  readonly limit?: number
}

export const callbacksDeliveries: CommandSpec<DeliveriesOptions> = {
  name: 'callbacks deliveries',
  arguments: '[id]',
  summary: 'list what was sent, to all callbacks or one, or show one delivery with its attempts',
  options: [
    { flags: '--state <state>', description: 'pending, delivered or failed', parse: state },
    { flags: '--limit <number>', description: 'at most so many (default: 50)', parse: count },
  ],
  examples: [
    'verdict callbacks deliveries --state failed',
    'verdict callbacks deliveries cbk_01jd3v9q8m7x5k2r4t6w8y0zab',
    'verdict callbacks deliveries dlv_01jd3v9q8m7x5k2r4t6w8y0zac',
  ],
  act: (call) =>
    withSession(call, async ({ client: { callbacks } }) => {
      const [id] = call.args
      const { state, limit = 50 } = call.options
      if (id !== undefined && isId('delivery', id)) {
        const delivery = await callbacks.delivery(id)
        call.output.result(delivery, describe(delivery))
        return 0
      }
      const filter = { ...(id === undefined ? {} : { callback: id }), ...(state === undefined ? {} : { state }) }
      const items = await collect(callbacks.deliveries(filter, { limit }))
      const heading = ['ID', 'CREATED (UTC)', 'EVENT', 'STATE', 'TRIES', 'LAST', 'NEXT (UTC)']
      call.output.result({ items }, items.length === 0 ? 'no deliveries' : table(heading, items.map(row)))
      return 0
    }),
}

function row({ id, createdAt, type, state, attempts, lastStatus, lastError, nextAttemptAt }: Delivery): string[] {
  return [
    id,
    shortTime(createdAt),
    type,
    state,
    String(attempts),
    String(lastStatus ?? lastError ?? ''),
    shortTime(nextAttemptAt),
  ]
}

function describe({ id, event, type, url, state, lastError, tries, payload }: DeliveryDetail): string {
  const attempts = tries.map(({ number, at, durationMs, status, error, answer }) => [
    String(number),
    shortTime(at),
    `${durationMs} ms`,
    String(status ?? ''),
    error ?? answer ?? '',
  ])
  const head = [
    `delivery ${id}`,
    `event    ${type} ${event}`,
    `to       ${url}`,
    `state    ${state}${lastError === null ? '' : `: ${lastError}`}`,
  ]
  const lines = head.map((line) => neutral(oneLine(line)))
  const tried =
    attempts.length === 0 ? ['not tried yet'] : [table(['TRY', 'AT (UTC)', 'TOOK', 'STATUS', 'WHAT'], attempts)]
  return [...lines, '', ...tried, '', neutral(oneLine(payload))].join('\n')
}

export const callbacksRedeliver: CommandSpec = {
  name: 'callbacks redeliver',
  arguments: '<delivery...>',
  summary: 'send deliveries again, under the same webhook-id',
  examples: ['verdict callbacks redeliver dlv_01jd3v9q8m7x5k2r4t6w8y0zac'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items: Delivery[] = []
      for (const id of call.args) items.push(await client.callbacks.redeliver(id))
      call.output.result({ items }, items.map(({ id }) => `${id} is sent again`).join('\n'))
      return 0
    }),
}

function state(value: string): DeliveryState {
  const known = DELIVERY_STATES.find((one) => one === value)
  if (!known) throw new InvalidArgumentError(`It takes ${DELIVERY_STATES.join(', ')}.`)
  return known
}
