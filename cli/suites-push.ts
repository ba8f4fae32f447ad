import { ApiError, type Client } from '../client/index.ts'
import type { SourceInput, Suite } from '../contract/suites.ts'
import { buildFacts } from '../gate/ci-facts.ts'
import type { TreeSuite } from '../gate/planned-suite.ts'
import { treeSuites } from '../gate/tree-suites.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { counted } from '../report/text.ts'
import { findSuiteFile } from '../tree/find.ts'
import type { PackedTree } from '../tree/pack.ts'
import { selectSuites } from '../tree/select.ts'
import { loadSuiteFile, type SuiteFile } from '../tree/suite-file.ts'
import type { Call, CommandSpec } from './command.ts'
import { confirmed } from './confirm.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'

interface PushOptions {
  readonly prune?: boolean
  readonly takeOver?: boolean
  readonly yes?: boolean
}

export const suitesPush: CommandSpec<PushOptions> = {
  name: 'suites push',
  arguments: '[names...]',
  summary: 'store the suites of verdict.yaml on the server, all or those named',
  details:
    'A pushed suite runs without a checkout (`verdict run --stored`, webhooks) and may have secrets of its own. Equal ' +
    'content makes no new revision. A run from a checkout needs no push.',
  options: [
    {
      flags: '--prune',
      description: 'delete stored suites of this project and repository that verdict.yaml has no more',
    },
    { flags: '--take-over', description: 'take over suites that were pushed from another repository' },
    { flags: '--yes', description: 'do not ask at the terminal' },
  ],
  examples: ['verdict suites push', 'verdict suites push checkout "smoke-*"', 'verdict suites push --prune'],
  async act(call) {
    const { args, options, output, host } = call
    if (options.prune && args.length > 0)
      throw new WrongUseError('--prune is about the whole file: leave the names out')
    const file = await suiteFileAt(call.directory)
    const { suites, leftOut } = await pushables(file, selectSuites(file, args))
    const { source } = await buildFacts(host.env, file.root, host.git)
    for (const line of leftOut) output.warn(line)
    return withSession(call, async ({ client }) => {
      const extra = options.prune ? await notInFile(client, file, source) : []
      if (extra.length > 0) await confirmed(call, `Delete ${extra.join(', ')}, which ${file.path} has no more?`)
      const pushed: Suite[] = []
      for (const suite of suites) pushed.push(await push(client, suite, source, call))
      for (const name of extra) {
        await client.suites.delete(name)
        if (!output.json) output.print(`${name} deleted`)
      }
      output.result({ items: pushed, pruned: extra }, '')
      return 0
    })
  },
}

async function suiteFileAt(directory: string): Promise<SuiteFile> {
  const path = await findSuiteFile(directory)
  if (path !== undefined) return loadSuiteFile(path)
  throw new WrongUseError(`there is no verdict.yaml in ${directory} or above it, up to the repository's root`)
}

/** A suite as it is stored; without a tree its runs fetch the commit that they name. */
type Pushable = Pick<TreeSuite, 'name' | 'definition'> & { readonly tree?: PackedTree }

async function pushables(
  file: SuiteFile,
  names: readonly string[],
): Promise<{ suites: Pushable[]; leftOut: string[] }> {
  const hasSource = (name: string) => file.suites.get(name)?.source !== undefined
  const packed = await treeSuites(
    file,
    names.filter((name) => !hasSource(name)),
  )
  const fetched = names.filter(hasSource).map((name) => ({ name, definition: file.suites.get(name)! }))
  return { suites: [...packed.suites, ...fetched], leftOut: packed.leftOut }
}

async function push(
  client: Client,
  suite: Pushable,
  source: SourceInput,
  { options, output }: Call<PushOptions>,
): Promise<Suite> {
  const { name, definition, tree } = suite
  const before = await revisionOf(client, name)
  const put = async () => {
    if (tree && !(await client.archives.has(tree.sha256))) await client.archives.put(tree.sha256, tree.archive)
    return client.suites.put(name, { definition, source, ...(options.takeOver && { takeOver: true }) })
  }
  // Once more for an archive that went between the look and the push.
  const pushed = await put().catch((error) => {
    if (error instanceof ApiError && error.code === 'archive_missing') return put()
    if (error instanceof ApiError && error.code === 'suite_of_other_repository' && !options.takeOver) {
      throw new WrongUseError(`${error.message} (--take-over makes it this repository's)`, { cause: error })
    }
    throw error
  })
  const news = pushed.revision === before ? `unchanged, revision ${before}` : `pushed, revision ${pushed.revision}`
  const content = tree ? counted(tree.files, 'file') : `its commits come from ${definition.source?.git}`
  if (!output.json) output.print(`${name} ${news} (${content})`)
  return pushed
}

async function revisionOf(client: Client, name: string): Promise<number | null> {
  try {
    return (await client.suites.get(name)).revision
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    // Whoever may write suites and not read them is told less.
    if (error instanceof ApiError && error.code === 'insufficient_scope') return null
    throw error
  }
}

/**
 * Names of pushed suites that were this file's and are not in it any more: of the same repository, and of the same project
 * where the file has one. Without either there is no telling.
 */
async function notInFile(
  client: Client,
  { suites, project, path }: SuiteFile,
  { repository }: SourceInput,
): Promise<string[]> {
  if (!repository && project === undefined) {
    throw new WrongUseError(
      `--prune cannot tell which stored suites are this repository's: there is no git remote "origin" here, and ${path} names no project`,
    )
  }
  const stored = await collect(client.suites.list())
  return stored
    .filter(({ revision }) => revision !== null)
    .filter((suite) => suite.repository === (repository ?? null))
    .filter(({ name }) => project === undefined || name.startsWith(`${project}/`))
    .filter(({ name }) => !suites.has(name))
    .map(({ name }) => name)
}
