import { readFile } from 'node:fs/promises'
import envCi from 'env-ci'
import type { CiFacts } from '../contract/runs.ts'
import type { SourceInput } from '../contract/suites.ts'
import type { Git } from './git.ts'
import { repositoryName } from './repository.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a build stands: what goes with a run as `ci` and as `source`. */
export interface BuildFacts {
  readonly ci: CiFacts
  readonly source: SourceInput
}

/** Where CI systems say which repository this is: an address, or a host and a name. */
const REPOSITORY_VARIABLES: readonly (readonly [string, string?])[] = [
  ['GITHUB_SERVER_URL', 'GITHUB_REPOSITORY'],
  ['CI_PROJECT_URL'],
  ['CIRCLE_REPOSITORY_URL'],
  ['BUILDKITE_REPO'],
  ['BITBUCKET_GIT_HTTP_ORIGIN'],
  ['BUILD_REPOSITORY_URI'],
  ['DRONE_REPO_LINK'],
  ['CI_REPO_URL'],
  ['GIT_URL'],
]
/** Where they say what env-ci does not tell, or tells of the wrong commit or branch. */
const HEAD_COMMIT_VARIABLES = [
  'CI_MERGE_REQUEST_SOURCE_BRANCH_SHA',
  'ghprbActualCommit',
  'SYSTEM_PULLREQUEST_SOURCECOMMITID',
  'TRAVIS_PULL_REQUEST_SHA',
]
const HEAD_BRANCH_VARIABLES = [
  'GITHUB_HEAD_REF',
  'CI_MERGE_REQUEST_SOURCE_BRANCH_NAME',
  'CHANGE_BRANCH',
  'BITBUCKET_BRANCH',
]
const BASE_BRANCH_VARIABLES = [
  'GITHUB_BASE_REF',
  'CI_MERGE_REQUEST_TARGET_BRANCH_NAME',
  'CHANGE_TARGET',
  'BITBUCKET_PR_DESTINATION_BRANCH',
]
/** The number that people see, where env-ci has another or none. */
const PULL_REQUEST_VARIABLES = ['CI_MERGE_REQUEST_IID', 'SYSTEM_PULLREQUEST_PULLREQUESTNUMBER', 'BITBUCKET_PR_ID']
/** Services that check out a pull request's own commit, unless one of the variables above says otherwise; the others build a merge. */
const BUILD_THE_HEAD: ReadonlySet<unknown> = new Set(['gitlab', 'circleci', 'buildkite', 'bitbucket'])

const LONGEST_FACT = 2000
const LONGEST_REPOSITORY = 500

/**
 * The facts of a build, from the environment as a value, GitHub's event file, and git where it is there; a shallow clone,
 * a detached head or no repository at all leave facts out, and never fail.
 * @param folder the suites' root: `dirty` is about what lies in it
 */
export async function buildFacts(env: Environment, folder: string, git: Git): Promise<BuildFacts> {
  const [head, status, remote, event] = await Promise.all([
    git(['rev-parse', '--verify', 'HEAD'], folder),
    git(['status', '--porcelain', '--', '.'], folder),
    git(['remote', 'get-url', 'origin'], folder),
    githubEvent(env),
  ])
  const told = toldBy(env, folder)
  const pull = event?.pull_request
  const pullRequest = first(env, PULL_REQUEST_VARIABLES)
  const isPull = told.isPr === true || (pull ?? pullRequest) !== undefined
  const buildsHead = !isPull || BUILD_THE_HEAD.has(told.service)
  const commit = head ?? text(told.commit)
  const repository = repositoryOf(env) ?? repositoryName(remote)
  const facts: Record<string, string | undefined> = {
    provider: told.isCi === true ? (text(told.service) ?? 'unknown') : undefined,
    repository,
    commit,
    headCommit: text(pull?.head?.sha) ?? first(env, HEAD_COMMIT_VARIABLES) ?? (buildsHead ? commit : undefined),
    branch: text(pull?.head?.ref) ?? first(env, HEAD_BRANCH_VARIABLES) ?? text(isPull ? told.prBranch : told.branch),
    baseBranch: text(pull?.base?.ref) ?? first(env, BASE_BRANCH_VARIABLES) ?? (isPull ? text(told.branch) : undefined),
    pullRequest: isPull ? (text(pull?.number) ?? pullRequest ?? text(told.pr)) : undefined,
    buildId: text(told.build),
    buildUrl: withoutCredentials(text(told.buildUrl) ?? azureBuildUrl(env)),
    job: text(told.job),
    tag: text(told.tag),
    event: env.GITHUB_EVENT_NAME,
  }
  return {
    ci: Object.fromEntries(
      Object.entries(facts).flatMap(([name, value]) => (value ? [[name, value.slice(0, LONGEST_FACT)]] : [])),
    ),
    source: {
      repository: repository?.slice(0, LONGEST_REPOSITORY) ?? null,
      commit: commit ?? null,
      dirty: head === undefined || status === undefined ? null : status !== '',
    },
  }
}

function toldBy(env: Environment, cwd: string): Readonly<Record<string, unknown>> {
  try {
    return { ...envCi({ env: { ...env }, cwd }) }
  } catch {
    // It expects of a branch's name what git allows, and fails for others.
    return {}
  }
}

interface GithubEvent {
  readonly pull_request?: {
    readonly number?: unknown
    readonly head?: { readonly sha?: unknown; readonly ref?: unknown }
    readonly base?: { readonly ref?: unknown }
  }
}

async function githubEvent(env: Environment): Promise<GithubEvent | undefined> {
  if (!env.GITHUB_ACTIONS || !env.GITHUB_EVENT_PATH) return undefined
  try {
    const event: unknown = JSON.parse(await readFile(env.GITHUB_EVENT_PATH, 'utf8'))
    return typeof event === 'object' && event !== null ? event : undefined
  } catch {
    // Facts are for people: a build does not fail for want of one.
    return undefined
  }
}

function repositoryOf(env: Environment): string | undefined {
  for (const [address, name] of REPOSITORY_VARIABLES) {
    const [host, path] = [env[address], name === undefined ? '' : env[name]]
    if (!host || path === undefined) continue
    const repository = repositoryName(name === undefined ? host : `${host}/${path}`)
    if (repository !== undefined) return repository
  }
  return undefined
}

/** What env-ci does not build. */
function azureBuildUrl(env: Environment): string | undefined {
  const { SYSTEM_COLLECTIONURI: collection, SYSTEM_TEAMPROJECT: project, BUILD_BUILDID: id } = env
  return collection && project && id
    ? `${collection}${encodeURIComponent(project)}/_build/results?buildId=${encodeURIComponent(id)}`
    : undefined
}

function first(env: Environment, names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find((value) => value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}

function withoutCredentials(address: string | undefined): string | undefined {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined
  // env-ci builds addresses of what is not there as well.
  if (url === undefined || address?.includes('undefined')) return undefined
  url.username = ''
  url.password = ''
  return url.href
}
