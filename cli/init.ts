import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WrongUseError } from '../gate/wrong-use.ts'
import { neutral } from '../report/terminal.ts'
import { findRepository } from '../tree/find.ts'
import { didYouMean } from '../tree/near-names.ts'
import { CI_SYSTEMS, type CiName, type CiSystem } from './ci-files.ts'
import type { Call, CommandSpec } from './command.ts'
import { diffLines } from './diff.ts'
import { repeated } from './flags.ts'
import { firstSuiteFile, lookAt, type Project } from './project.ts'
import { ask } from './prompt.ts'

interface InitOptions {
  readonly ci?: readonly string[]
  readonly source?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

interface PlannedFile {
  readonly path: string
  readonly before: string | undefined
  readonly after: string
}

type Action = 'written' | 'unchanged' | 'left'

/** What stands for the repository that holds Verdict until somebody says which it is. */
const SOURCE = 'your-org/verdict'
const SOURCE_FORM = /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/

export const init: CommandSpec<InitOptions> = {
  name: 'init',
  summary: 'write a first verdict.yaml and the step for your CI system',
  details:
    'Looks at the repository: its test tools, its CI files, its remote. Shows what it writes, and writes over nothing ' +
    'that is there without asking; where nobody can be asked, only with --yes.',
  options: [
    {
      flags: '--ci <system>',
      description: `write for this one: ${Object.keys(CI_SYSTEMS).join(', ')} (repeatable; default: those in use here)`,
      parse: repeated,
    },
    { flags: '--source <owner/name>', description: `the repository that holds Verdict (default: ${SOURCE})` },
    { flags: '--dry-run', description: 'show what would be written, and write nothing' },
    { flags: '--yes', description: 'write over files that are there without asking' },
  ],
  examples: ['verdict init', 'verdict init --ci github --source acme/verdict --dry-run'],
  emptyAnswer: { files: [] },
  async act(call) {
    const { options, directory, host, output } = call
    const source = options.source ?? SOURCE
    if (!SOURCE_FORM.test(source)) throw new WrongUseError('--source takes owner/name, such as acme/verdict')
    const asked = options.ci?.map(ciName)
    const root = (await findRepository(directory)) ?? directory
    const project = await lookAt(root, host)
    const names = asked ?? project.ci
    const files: { path: string; action: Action }[] = []
    const notes: string[] = []

    for (const planned of await plan(root, project, names, source, notes))
      files.push({ path: planned.path, action: await settle(call, root, planned) })
    notes.push(...nextSteps(project, names, source))
    if (!output.json) for (const note of notes) output.print(`- ${note}`)
    output.result({ files, notes }, '')
    return 0
  },
}

function ciName(name: string): CiName {
  const names = Object.keys(CI_SYSTEMS)
  if (names.includes(name)) return name as CiName
  throw new WrongUseError(
    `--ci: nothing is written for ${JSON.stringify(name)}${didYouMean(name, names) || `; it takes ${names.join(', ')}`}`,
  )
}

async function plan(
  root: string,
  project: Project,
  names: readonly CiName[],
  source: string,
  notes: string[],
): Promise<PlannedFile[]> {
  const suiteFile = project.suiteFile ?? 'verdict.yaml'
  const before = await textOf(join(root, suiteFile))
  // A suite file that is there is the user's own.
  const files: PlannedFile[] = [{ path: suiteFile, before, after: before ?? firstSuiteFile(project) }]
  for (const name of new Set(names)) {
    const system: CiSystem = CI_SYSTEMS[name]
    const there = await textOf(join(root, system.path))
    const after = system.write(there, source)
    if (after === undefined) notes.push(`${system.path} is left alone, add to it by hand: ${system.snippet}`)
    else files.push({ path: system.path, before: there, after })
  }
  return files
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new WrongUseError(`${path} cannot be read: ${cause.message}`, { cause })
  })
}

/** Shows one file, and writes it as far as that is wanted. */
async function settle(call: Call<InitOptions>, root: string, { path, before, after }: PlannedFile): Promise<Action> {
  const { options, output } = call
  const say = (line: string) => void output.screen.write(`${neutral(line)}\n`)
  if (before === after) {
    say(`${path} is there already`)
    return 'unchanged'
  }
  say(`${path}${before === undefined ? ' (new)' : ''}`)
  const paint = { '+': output.colors.green, '-': output.colors.red }
  for (const line of diffLines(before ?? '', after)) {
    const color = paint[line[0] as '+' | '-'] ?? output.colors.dim
    output.screen.write(`${color(neutral(`  ${line}`))}\n`)
  }
  if (options.dryRun || (before !== undefined && !(await mayOverwrite(call, path)))) return 'left'
  try {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), after)
  } catch (cause) {
    throw new WrongUseError(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
  return 'written'
}

async function mayOverwrite({ options, host, output }: Call<InitOptions>, path: string): Promise<boolean> {
  if (options.yes) return true
  if (!host.stdin.isTTY) {
    output.warn(`${path} is there already and is left as it is: --yes writes over it`)
    return false
  }
  return /^y(es)?$/i.test(await ask(host.stdin, host.stderr, `Change ${path}? [y/N] `))
}

function nextSteps(project: Project, names: readonly CiName[], source: string): string[] {
  const unknown = project.suites.size === 0 && project.suiteFile === undefined
  const none = names.length === 0 && project.others.length === 0
  return [
    ...(unknown ? ['no test tool was recognised: write the command of your tests into verdict.yaml'] : []),
    ...(none ? [`no CI system was recognised: --ci takes ${Object.keys(CI_SYSTEMS).join(', ')}`] : []),
    ...project.others.map(
      ({ title, page }) => `${title} is used here: ${page} of Verdict's repository has its few lines`,
    ),
    ...names.map((name) => `${CI_SYSTEMS[name].title}: ${CI_SYSTEMS[name].settings}`),
    ...(source === SOURCE && names.some((name) => name !== 'jenkins')
      ? [`put the repository that holds Verdict in the place of ${SOURCE}, or say --source`]
      : []),
    'try it from here: `verdict run`',
  ]
}
