import type { AuditEvent } from '../contract/audit.ts'
import type { CommandSpec } from './command.ts'
import { count, timeBack } from './flags.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

interface AuditOptions {
  readonly user?: string
  readonly key?: string
  readonly action?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: number
}

const LIMIT = 50

export const audit: CommandSpec<AuditOptions> = {
  name: 'audit',
  summary: 'list who did what in the workspace, newest first',
  details: 'With a key of scope admin: in the whole server. GET /v1/audit?format=jsonl gives all of it as JSON lines.',
  options: [
    { flags: '--user <id>', description: 'only what this user did' },
    { flags: '--key <id>', description: 'only what was done with this key' },
    { flags: '--action <action>', description: 'only this, such as key.created or token.refused' },
    { flags: '--since <when>', description: 'from this time on: 2026-11-20, or 2h ago', parse: timeBack },
    { flags: '--until <when>', description: 'before this time', parse: timeBack },
    { flags: '--limit <n>', description: `at most so many (default: ${LIMIT})`, parse: count },
  ],
  examples: ['verdict audit --since 7d', 'verdict audit --action token.refused --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { user, key, action, since, until, limit = LIMIT } = call.options
      const items = await collect(client.audit.events({ user, key, action, since, until }, { limit }))
      const heading = ['WHEN (UTC)', 'ACTION', 'WHO', 'WITH', 'FROM', 'WHAT']
      call.output.result({ items }, items.length === 0 ? 'nothing' : table(heading, items.map(row)))
      return 0
    }),
}

function row({ createdAt, action, user, credential, address, target, detail }: AuditEvent): string[] {
  return [shortTime(createdAt), action, user ?? '', credential ?? '', address ?? '', detail.reason ?? target ?? '']
}
