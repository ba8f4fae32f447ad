import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { canonicalDefinition } from '../contract/definition.ts'
import { gitAddress, repositoryOfUrl, sourceProblem } from '../contract/git-source.ts'
import type { DefinitionInput } from '../contract/suites.ts'
import { formatDuration } from '../report/duration.ts'
import { ArchiveError } from '../tree/archive-error.ts'
import { SUITE_FILE_NAMES } from '../tree/find.ts'
import { loadSuiteFile } from '../tree/suite-file.ts'
import { SuiteFileError } from '../tree/suite-file-error.ts'
import { unpackTree } from '../tree/unpack.ts'
import { openBeneath, Refused } from './beneath.ts'
import type { Clock } from './clock.ts'
import { type Checkout, CLONE_SCRIPT, cloneEnvironment, cloneFiles, TREE_FILE } from './git-clone.ts'
import { cloneFailure } from './git-failures.ts'
import { Judged } from './judged.ts'
import type { Output } from './output.ts'
import { noteAll } from './results.ts'
import type { RunFolder, Runner } from './runner/runner.ts'
import type { PackedTree, SourceCache } from './source-cache.ts'
import { checkedAddresses, type SourceGuard } from './source-host.ts'
import { Stopped } from './stop-switch.ts'
import { asDiskFull } from './tree-fetch.ts'
import type { GitCheckout, Job } from './work.ts'

/** What the fetches of all runs of a worker share. */
export interface GitSetup extends SourceGuard {
  readonly cache: SourceCache
}

export interface GitSurroundings {
  readonly runner: Runner
  readonly slot: number
  readonly git: GitSetup
  /** The run's own folder, still empty. */
  readonly folder: RunFolder
  readonly output: Output
  readonly clock: Clock
  /** Aborted when the run is stopped, or nobody listens any more. */
  readonly signal: AbortSignal
}

/** From the first connection to the packed tree. */
const FETCH_MS = 5 * 60_000
const KILL_GRACE_MS = 1_000
const PRINTED_MAX = 20_000
/** Git needs them, however little the suite itself does with. */
const LEAST = { memoryBytes: 512 * 1024 ** 2, processes: 64 }

/**
 * Fetches the commit of a job into the folder of its run, and makes the suite's commands what its own `verdict.yaml` says.
 * Git has a sandbox of its own, with the network `internet` whatever the run may have; it is gone, with the credential
 * in it, before a command of the suite begins. `.git` does not come along.
 *
 * The definition that was pushed stays the measure of what the run may do (network, limits, secrets, time): who can push a
 * commit does not thereby get more.
 * @throws Judged `commit_missing`, `suite_file_missing`, `suite_file_invalid`, `source_unavailable`, a limit
 */
export async function fetchGitSource(job: Job, source: GitCheckout, around: GitSurroundings): Promise<Job> {
  const { git, folder, output, clock, signal } = around
  const wrong = sourceProblem({ git: source.url, credential: source.credential, hostKeys: source.hostKeys })
  if (wrong) {
    const what = wrong.field === 'git' ? 'The address' : `"${wrong.field}"`
    throw new Judged('source_unavailable', `${what} of the suite's source ${wrong.problem}.`)
  }
  const start = clock.monotonic()
  const tree = await git.cache.open(source, signal, () => fetchTree(job, source, around))
  try {
    noteAll(output, tree.notes)
    await takeTree(tree, source, folder)
  } finally {
    await tree.close()
  }
  const what = `${repositoryOfUrl(source.url)} at ${source.commit}`
  const took = formatDuration(clock.monotonic() - start)
  output.note(tree.kept ? `took ${what} from an earlier fetch` : `fetched ${what} in ${took}`)
  return withSuite(job, source, await suiteAt(folder.path, job.suite, source), output)
}

async function fetchTree(job: Job, source: GitCheckout, around: GitSurroundings): Promise<PackedTree> {
  const { limits } = job.definition
  const addresses = await checkedAddresses(gitAddress(source.url), around.git)
  const clone = await around.runner.open({
    slot: around.slot,
    network: 'internet',
    limits: {
      memoryBytes: Math.max(limits.memoryBytes, LEAST.memoryBytes),
      processes: Math.max(limits.processes, LEAST.processes),
      diskBytes: limits.diskBytes,
    },
  })
  try {
    const notes = await cloneInto(clone, { source, addresses, seenAs: clone.seenAs }, around)
    // Read as what it is: written by a program that dealt with a stranger's files.
    const file = await openBeneath(clone.path, TREE_FILE)
    const close = () => file.close().finally(() => clone.close())
    return { bytes: file.facts.size, notes, content: () => file.content(), close }
  } catch (error) {
    await clone.close()
    throw error instanceof Refused ? unusable(source, error) : error
  }
}

/** What is to be said of the tree, line by line. */
async function cloneInto(clone: RunFolder, checkout: Checkout, { clock, signal }: GitSurroundings): Promise<string[]> {
  const { source } = checkout
  const made = cloneFiles(checkout)
  if ('problem' in made)
    throw new Judged('source_unavailable', `The suite's credential ${made.problem} (verdict suites secret set).`)
  for (const [name, content] of Object.entries(made.files))
    await writeFile(join(clone.path, name), content, { mode: 0o600, flag: 'wx' })
  await clone.handOver()
  let printed = ''
  const late = new AbortController()
  const disarm = clock.after(FETCH_MS, () => late.abort())
  try {
    const exit = await clone.execute({
      shell: CLONE_SCRIPT,
      environment: cloneEnvironment(checkout),
      onOutput: (chunk) => {
        printed = (printed + Buffer.from(chunk).toString()).slice(-PRINTED_MAX)
      },
      signal: AbortSignal.any([signal, late.signal]),
      graceMs: KILL_GRACE_MS,
    })
    if (signal.aborted) throw new Stopped('the run was stopped while its commit was fetched')
    const what = repositoryOfUrl(source.url)
    if (late.signal.aborted)
      throw new Judged('source_unavailable', `${what} was not fetched within ${formatDuration(FETCH_MS)}.`)
    if (exit.limit) throw new Judged(exit.limit.code, `While ${what} was fetched: ${exit.limit.message}`)
    if (exit.code !== 0) throw cloneFailure(source, exit.code, printed)
    return printed.split('\n').filter((line) => line.startsWith('left out: '))
  } finally {
    disarm()
  }
}

async function takeTree(tree: PackedTree, source: GitCheckout, folder: RunFolder): Promise<void> {
  try {
    await unpackTree(Readable.from(tree.content(), { objectMode: false }), folder.path)
  } catch (error) {
    if (error instanceof ArchiveError) throw unusable(source, error)
    throw asDiskFull(error) ?? error
  }
}

function unusable({ commit }: GitCheckout, cause: Error): Judged {
  const message = `The files of the commit ${commit.slice(0, 12)} cannot be used: ${cause.message}`
  return new Judged('setup_failed', message, { cause })
}

/** The suite of the file at the root of the tree. No link in it leads out any more (tree/unpack.ts). */
async function suiteAt(root: string, name: string, { commit, url }: GitCheckout): Promise<DefinitionInput> {
  const where = `${repositoryOfUrl(url)} at ${commit.slice(0, 12)}`
  for (const fileName of SUITE_FILE_NAMES) {
    const path = join(root, fileName)
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue
    const { suites } = await loadSuiteFile(path).catch((error: unknown) => {
      if (!(error instanceof SuiteFileError)) throw error
      const { message } = new SuiteFileError(fileName, error.problems)
      throw new Judged('suite_file_invalid', `${where}: ${message}`, { cause: error })
    })
    const suite = suites.get(name)
    if (suite) return suite
    const known = [...suites.keys()].slice(0, 10).join(', ')
    throw new Judged('suite_file_missing', `${fileName} of ${where} has no suite ${name}, only ${known}.`)
  }
  throw new Judged('suite_file_missing', `${where} has no verdict.yaml at its root.`)
}

function withSuite(job: Job, source: GitCheckout, suite: DefinitionInput, output: Output): Job {
  const { setup, run, report, artifacts, variables, secrets } = canonicalDefinition({ ...suite, source: undefined })
  const pushed = job.definition
  const withheld = secrets.filter((name) => !pushed.secrets.includes(name))
  if (withheld.length > 0)
    output.note(
      `not given: ${withheld.join(', ')}; the suite that was pushed does not declare it (verdict suites push)`,
    )
  const open = Object.entries(variables).filter(([name]) => !pushed.secrets.includes(name))
  return {
    ...job,
    commit: source.commit,
    definition: { ...pushed, setup, run, report, artifacts },
    variables: { ...Object.fromEntries(open), ...job.variables },
  }
}
