import { WrongUseError } from '../gate/wrong-use.ts'
import { oneLine } from '../report/text.ts'
import type { Call, CommandSpec } from './command.ts'
import { collect } from './listing.ts'
import { ask } from './prompt.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

export const workspacesList: CommandSpec = {
  name: 'workspaces list',
  summary: 'list the workspaces that you are a member of',
  examples: ['verdict workspaces list'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const items = await collect(client.workspaces.list())
      const rows = items.map(({ id, role, createdAt, name }) => [id, role, shortTime(createdAt), name])
      call.output.result({ items }, table(['ID', 'ROLE', 'CREATED (UTC)', 'NAME'], rows))
      return 0
    }),
}

export const workspacesCreate: CommandSpec = {
  name: 'workspaces create',
  arguments: '<name>',
  summary: 'make a workspace that is yours, and print your key for it, once',
  details: 'A key is for one workspace: this one has as much there as the key that asks has here.',
  examples: ['verdict workspaces create shop | verdict login --url https://verdict.example.com'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const made = await client.workspaces.create(call.args[0] ?? '')
      call.output.result(made, made.key.key)
      call.host.stderr.write(
        `This is the only time the key is shown. It is for ${oneLine(made.name)} (${made.id}). Keep it: \`verdict login\`.\n`,
      )
      return 0
    }),
}

export const workspacesRename: CommandSpec = {
  name: 'workspaces rename',
  arguments: '<name>',
  summary: 'give the workspace of your key another name',
  examples: ['verdict workspaces rename "shop and stock"'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { workspace } = await client.me()
      const renamed = await client.workspaces.rename(workspace.id, call.args[0] ?? '')
      call.output.result(renamed, `${renamed.id} is ${oneLine(renamed.name)} now`)
      return 0
    }),
}

interface DeleteOptions {
  readonly confirm?: string
}

export const workspacesDelete: CommandSpec<DeleteOptions> = {
  name: 'workspaces delete',
  summary: 'delete the workspace of your key with everything in it, for good',
  details:
    'Suites, runs, keys, callbacks, triggers and workers of it end at once. At a terminal its name is asked for.',
  options: [{ flags: '--confirm <name>', description: "the workspace's name, so that no slip deletes the wrong one" }],
  examples: ['verdict workspaces delete --confirm shop'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { id, name } = (await client.me()).workspace
      await requireName(call, name)
      await client.workspaces.delete(id, name)
      call.output.result({ id, name }, `${oneLine(name)} (${id}) deleted`)
      return 0
    }),
}

/** Rejects unless the person or the script has said the name of what is to be deleted. */
async function requireName({ host, options }: Call<DeleteOptions>, name: string): Promise<void> {
  const shown = JSON.stringify(oneLine(name))
  if (options.confirm === undefined && !host.stdin.isTTY)
    throw new WrongUseError(`nothing was deleted: confirm the workspace's name, --confirm ${shown}`)
  const question = `Type its name to delete ${shown} with everything in it, for good: `
  const said = options.confirm ?? (await ask(host.stdin, host.stderr, question))
  if (said.trim() !== name.trim())
    throw new WrongUseError(`nothing was deleted: the workspace of this key is ${shown}, not ${JSON.stringify(said)}`)
}
