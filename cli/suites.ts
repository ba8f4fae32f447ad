import type { Definition, Suite } from '../contract/suites.ts'
import { oneLine } from '../report/text.ts'
import { formatDuration } from '../tree/duration.ts'
import { formatSize } from '../tree/size.ts'
import type { CommandSpec } from './command.ts'
import { confirmed } from './confirm.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { storedSuite } from './suite-name.ts'
import { shortTime, table } from './table.ts'

export const suitesList: CommandSpec = {
  name: 'suites list',
  summary: 'list the suites of the workspace',
  examples: ['verdict suites list', 'verdict suites list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.suites.list())
      const heading = ['SUITE', 'REVISION', 'LOCKED', 'UPDATED (UTC)', 'REPOSITORY']
      call.output.result({ items }, items.length === 0 ? 'no suites' : table(heading, items.map(row)))
      return 0
    }),
}

function row({ name, revision, locked, updatedAt, repository }: Suite): string[] {
  const pushed = revision === null ? 'not pushed' : String(revision)
  return [name, pushed, locked ? 'locked' : '', shortTime(updatedAt), repository ?? '']
}

export const suitesShow: CommandSpec = {
  name: 'suites show',
  arguments: '<name>',
  summary: 'show what is stored of a suite, and its revisions',
  examples: ['verdict suites show shop/checkout'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const suite = await storedSuite(client, call.directory, call.args[0] ?? '')
      const revisions = await collect(client.suites.revisions(suite.name, { limit: 10 }))
      const history = revisions.map(({ revision, createdAt, source }) => [
        String(revision),
        shortTime(createdAt),
        source.commit === null ? '' : `${source.commit.slice(0, 7)}${source.dirty ? ' (dirty)' : ''}`,
        source.repository ?? '',
      ])
      const text = [
        describe(suite),
        history.length > 0 && `\n${table(['REVISION', 'PUSHED (UTC)', 'COMMIT', 'REPOSITORY'], history)}`,
      ]
      call.output.result({ ...suite, revisions }, text.filter(Boolean).join('\n'))
      return 0
    }),
}

function describe({ name, revision, repository, locked, definition }: Suite): string {
  const lines = [
    ['suite', name],
    [
      'revision',
      revision === null ? 'none: known from runs that brought their own definition, never pushed' : String(revision),
    ],
    ['repository', repository ?? '-'],
    ...(locked ? [['locked', 'runs only what was pushed']] : []),
    ...(definition ? fieldsOf(definition) : []),
  ]
  return lines.map(([field = '', value = '']) => `${field.padEnd(11)} ${oneLine(value)}`).join('\n')
}

function fieldsOf(definition: Definition): string[][] {
  const { limits } = definition
  const fields = [
    ...(definition.source ? [['source', definition.source.git]] : []),
    ['setup', definition.setup ?? ''],
    ['run', definition.run],
    ['report', definition.report.join(', ')],
    ['artifacts', definition.artifacts.join(', ')],
    ['timeout', formatDuration(definition.timeoutSeconds)],
    ['network', definition.network],
    [
      'limits',
      `${formatSize(limits.memoryBytes)} memory, ${limits.processes} processes, ${formatSize(limits.diskBytes)} disk`,
    ],
    ['runs on', definition.runsOn.join(', ')],
    [
      'variables',
      Object.entries(definition.variables)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
    ['secrets', definition.secrets.join(' ')],
  ]
  return fields.filter(([, value]) => value !== '')
}

interface DeleteOptions {
  readonly yes?: boolean
}

export const suitesDelete: CommandSpec<DeleteOptions> = {
  name: 'suites delete',
  arguments: '<name...>',
  summary: 'delete stored suites with their revisions and secrets',
  details: 'Runs stay. A locked suite needs an owner of the workspace.',
  options: [{ flags: '--yes', description: 'do not ask at the terminal' }],
  examples: ['verdict suites delete shop/old-checkout'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // Looked up first, so that a slip in one name leaves all of them as they are.
      const suites = await Promise.all(call.args.map((name) => storedSuite(client, call.directory, name)))
      const names = [...new Set(suites.map(({ name }) => name))]
      await confirmed(call, `Delete ${names.join(', ')} with revisions and secrets?`)
      for (const name of names) await client.suites.delete(name)
      call.output.result({ items: names.map((name) => ({ name })) }, names.map((name) => `${name} deleted`).join('\n'))
      return 0
    }),
}
