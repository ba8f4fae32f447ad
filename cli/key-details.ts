import type { Key } from '../contract/keys.ts'
import { oneLine } from '../report/text.ts'
import type { CommandSpec } from './command.ts'
import { day } from './flags.ts'
import { keyIdOf } from './key-name.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

export const keysShow: CommandSpec = {
  name: 'keys show',
  arguments: '<key>',
  summary: 'show what an API key may do and when it was used, never the key itself',
  examples: ['verdict keys show ci', 'verdict keys show ci --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const key = await client.keys.get(await keyIdOf(client, call.args[0] ?? ''))
      call.output.result(key, describe(key))
      return 0
    }),
}

function describe(key: Key): string {
  const limits = Object.entries({ 'a minute': key.limits?.perMinute, 'a day': key.limits?.perDay })
  const used = key.lastUsedAt === null ? 'never' : `${shortTime(key.lastUsedAt)} from ${key.lastUsedFrom ?? 'unknown'}`
  const lines: [string, string | null][] = [
    ['name', key.name],
    ['id', key.id],
    ['key', `${key.start}…${key.end}`],
    ['for', key.description],
    ['may', key.scopes.join(' ') || 'nothing'],
    ['suites', key.suites?.join(', ') ?? 'all'],
    ['from', key.allowedIps?.join(', ') ?? 'anywhere'],
    ['audiences', key.audiences?.join(', ') ?? null],
    ['calls', limits.flatMap(([of, most]) => (most == null ? [] : [`${most} ${of}`])).join(', ') || null],
    ['made', shortTime(key.createdAt)],
    ['ends', key.expiresAt === null ? 'never' : shortTime(key.expiresAt)],
    ['revoked', key.revokedAt && shortTime(key.revokedAt)],
    ['used', used],
    ['replaces', key.replaces],
    ['replaced by', key.replacedBy],
  ]
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(12)}${oneLine(value)}`])).join('\n')
}

interface UsageOptions {
  readonly since?: string
  readonly until?: string
}

export const keysUsage: CommandSpec<UsageOptions> = {
  name: 'keys usage',
  arguments: '[key]',
  summary: 'list by day what an API key, or all of your keys, did',
  options: [
    { flags: '--since <day>', description: 'from this day on (UTC), such as 2026-11-01', parse: day },
    { flags: '--until <day>', description: 'before this day', parse: day },
  ],
  examples: ['verdict keys usage ci', 'verdict keys usage --since 2026-11-01 --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const [name] = call.args
      const { since, until } = call.options
      const me = await client.me()
      const key = name === undefined ? undefined : await keyIdOf(client, name)
      const items = await collect(client.audit.usage({ user: me.user.id, key, since, until }))
      const rows = items.map((line) => [
        line.day,
        ...[line.exchanges, line.calls, line.runs, Math.round(line.runSeconds)].map(String),
      ])
      const text =
        items.length === 0 ? 'nothing' : table(['DAY (UTC)', 'EXCHANGES', 'CALLS', 'RUNS', 'RUN SECONDS'], rows)
      call.output.result({ items }, text)
      return 0
    }),
}
