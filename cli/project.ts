import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { stringify } from 'yaml'
import { SUITE_NAME } from '../contract/names.ts'
import { repositoryName } from '../gate/repository.ts'
import { SUITE_FILE_NAMES } from '../tree/find.ts'
import { CI_SYSTEMS, type CiName, OTHER_SYSTEMS } from './ci-files.ts'
import type { Host } from './host.ts'
import { type FirstSuite, findSuites, UNKNOWN_SUITE } from './test-tools.ts'

/** What `verdict init` finds in a repository. */
export interface Project {
  /** Of the repository, as a suite file has it. */
  readonly name: string
  readonly ci: readonly CiName[]
  /** CI systems that are used here and that no file is written for. */
  readonly others: (typeof OTHER_SYSTEMS)[number][]
  readonly suites: ReadonlyMap<string, FirstSuite>
  /** The suite file that is there, by its name. */
  readonly suiteFile: string | undefined
}

/** A config of test tools is shorter than this; a longer file tells nothing. Bytes. */
const FILE_MAX_BYTES = 1024 * 1024

/** Looks at the repository whose root is `root` (absolute). Changes nothing. */
export async function lookAt(root: string, { git }: Pick<Host, 'git'>): Promise<Project> {
  const repository = repositoryName(await git(['remote', 'get-url', 'origin'], root))
  const isThere = async (name: string) => (await stat(join(root, name)).catch(() => undefined)) !== undefined
  const names = Object.keys(CI_SYSTEMS) as CiName[]
  const used = await Promise.all(
    names.map(async (name) => (await Promise.all(CI_SYSTEMS[name].marks.map(isThere))).includes(true)),
  )
  const others = await Promise.all(OTHER_SYSTEMS.map(({ mark }) => isThere(mark)))
  const ci = names.filter((_, index) => used[index])
  const onGithub = repository?.startsWith('github.') === true && ci.length === 0 && !others.includes(true)
  const files = await Promise.all(SUITE_FILE_NAMES.map(isThere))
  return {
    name: projectName(repository?.split('/').at(-1) ?? basename(root)),
    ci: onGithub ? ['github'] : ci,
    others: OTHER_SYSTEMS.filter((_, index) => others[index]),
    suites: await findSuites((name) => readSmall(join(root, name))),
    suiteFile: SUITE_FILE_NAMES.find((_, index) => files[index]),
  }
}

async function readSmall(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() && found.size <= FILE_MAX_BYTES ? readFile(path, 'utf8') : undefined
}

function projectName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 50)
  return SUITE_NAME.test(plain) ? plain : 'project'
}

/** The text of a first verdict.yaml. */
export function firstSuiteFile({ name, suites }: Project): string {
  const known = suites.size > 0
  const body = stringify(
    { project: name, suites: Object.fromEntries(known ? suites : [['unit', UNKNOWN_SUITE]]) },
    { lineWidth: 0 },
  )
  const hint = known ? '' : '# No test tool was recognised here: write the command of your tests behind `run`.\n'
  return `# What Verdict runs, and how. \`verdict run\` tries it from here.\n${hint}${body}`
}
