import type { Client } from '../client/index.ts'
import { isId } from '../contract/ids.ts'
import type { Worker, WorkerCreate } from '../contract/workers.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { oneLine } from '../report/text.ts'
import { didYouMean } from '../tree/near-names.ts'
import type { CommandSpec } from './command.ts'
import { names } from './flags.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

interface CreateOptions {
  readonly labels?: readonly string[]
  readonly shared?: boolean
}

export const workersCreate: CommandSpec<CreateOptions> = {
  name: 'workers create',
  arguments: '<name>',
  summary: 'make a worker and print its key, once',
  details:
    'Only the key goes to standard output. The worker is started on its machine with VERDICT_URL and that key as ' +
    'VERDICT_WORKER_KEY; it runs suites of your workspace until it is removed.',
  options: [
    { flags: '--labels <labels>', description: "what a suite's runsOn may ask it for, by comma", parse: names },
    { flags: '--shared', description: 'let it run the suites of every workspace (admins only)' },
  ],
  examples: ['verdict workers create builder-1', 'verdict workers create gpu-1 --labels gpu,cuda > worker.key'],
  act: (call) => {
    const { args, options, host, output } = call
    const body: WorkerCreate = { name: args[0] ?? '' }
    if (options.labels) body.labels = [...new Set(options.labels)]
    if (options.shared) body.shared = true
    return withSession(call, async ({ client }) => {
      const made = await client.workers.create(body)
      output.result(made, made.key)
      const whom = made.shared ? 'every workspace' : 'your workspace'
      host.stderr.write(
        `This is the only time the key is shown. ${oneLine(made.name)} (${made.id}) runs the suites of ${whom}.\n` +
          `Start it on its machine with VERDICT_URL=${client.url} and the key as VERDICT_WORKER_KEY: npm run worker\n`,
      )
      return 0
    })
  },
}

export const workersList: CommandSpec = {
  name: 'workers list',
  summary: 'list workers: when each was last seen, what it is, what it runs',
  examples: ['verdict workers list', 'verdict workers list --json'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.workers.list())
      const heading = ['ID', 'LAST SEEN', 'VERSION', 'RUNNER', 'LABELS', 'RUNS', 'NAME']
      call.output.result({ items }, items.length === 0 ? 'no workers' : table(heading, items.map(row)))
      return 0
    }),
}

function row(worker: Worker): string[] {
  const runs = worker.running.map(({ run, suite }) => `${suite} (${run})`)
  return [
    worker.id,
    shortTime(worker.lastSeenAt),
    worker.version ?? '',
    worker.runner ?? '',
    worker.labels.join(','),
    runs.join(', '),
    worker.shared ? `${worker.name} (shared)` : worker.name,
  ]
}

export const workersRemove: CommandSpec = {
  name: 'workers remove',
  arguments: '<worker...>',
  summary: 'remove workers, by id or name, at once and for good',
  details: 'Their keys are refused within a second. What they run is taken back after half a minute and starts anew.',
  examples: ['verdict workers remove builder-1', 'verdict workers remove wrk_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // All of them are looked up first: a slip in the second name must not leave half of the work done.
      const ids = await Promise.all(call.args.map((name) => idOf(client, name)))
      for (const id of ids) await client.workers.remove(id)
      const items = ids.map((id) => ({ id }))
      call.output.result({ items }, ids.map((id) => `${id} removed`).join('\n'))
      return 0
    }),
}

async function idOf(client: Client, name: string): Promise<string> {
  if (isId('worker', name)) return name
  const workers = await collect(client.workers.list())
  const named = workers.filter((worker) => worker.name === name)
  const [only, ...others] = named
  if (!only) {
    const near = didYouMean(
      name,
      workers.map((worker) => worker.name),
    )
    throw new WrongUseError(`no worker is named ${JSON.stringify(name)}${near}; see \`verdict workers list\``)
  }
  if (others.length > 0)
    throw new WrongUseError(
      `${named.length} workers are named ${JSON.stringify(name)}; say which by id: ${named.map(({ id }) => id).join(', ')}`,
    )
  return only.id
}
