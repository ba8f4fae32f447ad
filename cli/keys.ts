import type { Key, KeyCreate } from '../contract/keys.ts'
import { isScope, SCOPES } from '../contract/scopes.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { oneLine } from '../report/text.ts'
import { didYouMean } from '../tree/near-names.ts'
import type { CommandSpec } from './command.ts'
import { count, expiry, names } from './flags.ts'
import { keyIdOf } from './key-name.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

interface CreateOptions {
  readonly scopes?: readonly string[]
  readonly suites?: readonly string[]
  /** A time, or `never`. */
  readonly expires?: string
  readonly description?: string
  readonly allowedIps?: readonly string[]
  readonly audiences?: readonly string[]
  readonly perMinute?: number
  readonly perDay?: number
}

export const keysCreate: CommandSpec<CreateOptions> = {
  name: 'keys create',
  arguments: '<name>',
  summary: 'make an API key and print it, once',
  details:
    'Only the key goes to standard output, so that it can be piped into a secret store. Without --scopes it may start ' +
    'runs and read runs and suites: what a build needs.',
  options: [
    {
      flags: '--scopes <scopes>',
      description: 'what it may do, by comma (default: runs:write,runs:read,suites:read)',
      parse: names,
    },
    { flags: '--suites <names>', description: 'the only suites it may run, by comma', parse: names },
    { flags: '--expires <when>', description: '90d, a day such as 2027-01-31, or never (default: 90d)', parse: expiry },
    { flags: '--description <text>', description: 'what it is for' },
    { flags: '--allowed-ips <networks>', description: 'the only addresses it is taken from, by comma', parse: names },
    { flags: '--audiences <names>', description: 'your own APIs that it gives tokens for too, by comma', parse: names },
    { flags: '--per-minute <n>', description: 'calls that it may make in a minute', parse: count },
    { flags: '--per-day <n>', description: 'calls that it may make in a day (UTC)', parse: count },
  ],
  examples: [
    'verdict keys create ci',
    'verdict keys create deploy --suites smoke --expires 30d | gh secret set VERDICT_API_KEY',
    'verdict keys create reader --scopes runs:read,suites:read',
    'verdict keys create office --allowed-ips 203.0.113.0/24 --per-day 5000',
  ],
  act: (call) => {
    const { args, options, host, output } = call
    const body: KeyCreate = { name: args[0] ?? '' }
    if (options.scopes) body.scopes = checkedScopes(options.scopes)
    if (options.suites) body.suites = [...new Set(options.suites)]
    if (options.description !== undefined) body.description = options.description
    if (options.expires !== undefined) body.expiresAt = options.expires === 'never' ? null : options.expires
    if (options.allowedIps) body.allowedIps = [...options.allowedIps]
    if (options.audiences) body.audiences = [...new Set(options.audiences)]
    const { perMinute, perDay } = options
    if (perMinute ?? perDay) body.limits = { ...(perMinute && { perMinute }), ...(perDay && { perDay }) }
    return withSession(call, async ({ client }) => {
      const made = await client.keys.create(body)
      output.result(made, made.key)
      const until = made.expiresAt === null ? 'never expires' : `expires ${made.expiresAt.slice(0, 10)}`
      host.stderr.write(
        `This is the only time the key is shown. ${oneLine(made.name)} (${made.id}) ${until} and may: ${made.scopes.join(' ')}.\n` +
          'Put it into your CI system as the secret VERDICT_API_KEY.\n',
      )
      return 0
    })
  },
}

function checkedScopes(scopes: readonly string[]): string[] {
  for (const scope of scopes) {
    if (isScope(scope)) continue
    throw new WrongUseError(
      `--scopes: there is no scope ${JSON.stringify(scope)}${didYouMean(scope, SCOPES) || `; there are ${SCOPES.join(', ')}`}`,
    )
  }
  return [...new Set(scopes)]
}

export const keysList: CommandSpec = {
  name: 'keys list',
  summary: 'list your API keys, never the keys themselves',
  examples: ['verdict keys list', 'verdict keys list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.keys.list())
      const rows = items.map((key) => [
        key.id,
        `${key.start}…${key.end}`,
        state(key, call.host.clock.now()),
        shortTime(key.lastUsedAt),
        key.suites?.join(',') ?? 'all',
        key.name,
      ])
      call.output.result(
        { items },
        items.length === 0 ? 'no keys' : table(['ID', 'KEY', 'STATE', 'LAST USED', 'SUITES', 'NAME'], rows),
      )
      return 0
    }),
}

function state({ revokedAt, expiresAt }: Key, now: number): string {
  if (revokedAt !== null) return `revoked ${revokedAt.slice(0, 10)}`
  if (expiresAt === null) return 'never expires'
  return `${Date.parse(expiresAt) <= now ? 'expired' : 'until'} ${expiresAt.slice(0, 10)}`
}

export const keysRevoke: CommandSpec = {
  name: 'keys revoke',
  arguments: '<key...>',
  summary: 'revoke API keys, by id or name, at once and for good',
  examples: ['verdict keys revoke ci', 'verdict keys revoke key_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // All of them are looked up first: a slip in the second name must not leave half of the work done.
      const ids = await Promise.all(call.args.map((name) => keyIdOf(client, name)))
      for (const id of ids) await client.keys.revoke(id)
      const items = ids.map((id) => ({ id }))
      call.output.result({ items }, ids.map((id) => `${id} revoked`).join('\n'))
      return 0
    }),
}
