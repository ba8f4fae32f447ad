import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { canonicalDefinition } from '../contract/definition.ts'
import { gitUrlProblem, repositoryOfUrl } from '../contract/git-source.ts'
import type { DefinitionInput } from '../contract/suites.ts'
import { formatDuration } from '../report/duration.ts'
import { ArchiveError } from '../tree/archive-error.ts'
import { SUITE_FILE_NAMES } from '../tree/find.ts'
import { loadSuiteFile } from '../tree/suite-file.ts'
import { SuiteFileError } from '../tree/suite-file-error.ts'
import { unpackTree } from '../tree/unpack.ts'
import { openBeneath, Refused } from './beneath.ts'
import type { Clock } from './clock.ts'
import { CLONE_SCRIPT, CREDENTIAL_FILE, cloneEnvironment, cloneFailure, TREE_FILE, userOf } from './git-clone.ts'
import { Judged } from './judged.ts'
import type { Output } from './output.ts'
import { noteAll } from './results.ts'
import type { RunFolder, Runner } from './runner/runner.ts'
import { Stopped } from './stop-switch.ts'
import { asDiskFull } from './tree-fetch.ts'
import type { GitCheckout, Job } from './work.ts'

export interface GitSurroundings {
  readonly runner: Runner
  readonly slot: number
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
  const { runner, slot, folder, output, clock } = around
  const problem = gitUrlProblem(source.url)
  if (problem !== undefined) throw new Judged('source_unavailable', `The address of the suite's source ${problem}.`)
  const start = clock.monotonic()
  const { limits } = job.definition
  const clone = await runner.open({
    slot,
    network: 'internet',
    limits: {
      memoryBytes: Math.max(limits.memoryBytes, LEAST.memoryBytes),
      processes: Math.max(limits.processes, LEAST.processes),
      diskBytes: limits.diskBytes,
    },
  })
  try {
    await cloneInto(clone, source, around)
    await takeTree(clone, source, folder)
  } finally {
    await clone.close()
  }
  const took = formatDuration(clock.monotonic() - start)
  output.note(`fetched ${repositoryOfUrl(source.url)} at ${source.commit} in ${took}`)
  return withSuite(job, source, await suiteAt(folder.path, job.suite, source), output)
}

async function cloneInto(clone: RunFolder, source: GitCheckout, { output, clock, signal }: GitSurroundings) {
  if (source.credential !== null) {
    const user = userOf(source.credential)
    if (!user)
      throw new Judged(
        'source_unavailable',
        "The suite's credential is empty or holds control characters: set it anew.",
      )
    const content = `username=${user.user}\npassword=${user.password}\n`
    await writeFile(join(clone.path, CREDENTIAL_FILE), content, { mode: 0o600, flag: 'wx' })
  }
  await clone.handOver()
  let printed = ''
  const late = new AbortController()
  const disarm = clock.after(FETCH_MS, () => late.abort())
  try {
    const exit = await clone.execute({
      shell: CLONE_SCRIPT,
      environment: cloneEnvironment(source, clone.seenAs),
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
    noteAll(
      output,
      printed.split('\n').filter((line) => line.startsWith('left out: ')),
    )
  } finally {
    disarm()
  }
}

/** Read as what it is: written by a program that dealt with a stranger's files. */
async function takeTree(clone: RunFolder, source: GitCheckout, folder: RunFolder): Promise<void> {
  try {
    const file = await openBeneath(clone.path, TREE_FILE)
    try {
      await unpackTree(Readable.from(file.content(), { objectMode: false }), folder.path)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ArchiveError || error instanceof Refused) {
      const message = `The files of the commit ${source.commit.slice(0, 12)} cannot be used: ${error.message}`
      throw new Judged('setup_failed', message, { cause: error })
    }
    throw asDiskFull(error) ?? error
  }
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
