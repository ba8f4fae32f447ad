import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildFacts } from '../../gate/ci-facts.ts'
import { type Git, systemGit } from '../../gate/git.ts'
import { temporaryFolder } from '../support/folder.ts'

const noGit: Git = async () => undefined
let folder = ''
let bare = ''
let head = ''

function git(...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'init.defaultBranch=main']
  return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' }).trim()
}

beforeAll(async () => {
  folder = temporaryFolder('facts-')
  bare = temporaryFolder('facts-bare-')
  git('init', '-q')
  git('remote', 'add', 'origin', 'https://me:s3cret@github.com/acme/shop.git')
  await writeFile(join(folder, 'a.txt'), 'a')
  git('add', '.')
  git('commit', '-qm', 'first')
  head = git('rev-parse', 'HEAD')
})

describe('the facts of a build', () => {
  it('come from git on a machine that is no CI', async () => {
    const { ci, source } = await buildFacts({}, folder, systemGit)
    expect(source).toEqual({ repository: 'github.com/acme/shop', commit: head, dirty: false })
    expect(ci).toMatchObject({ repository: 'github.com/acme/shop', commit: head, headCommit: head, branch: 'main' })
    expect(ci.provider).toBeUndefined()
    expect(JSON.stringify(ci)).not.toContain('s3cret')
  })

  it('say dirty of a changed and of a new file, and not of what git ignores', async () => {
    const dirty = async () => (await buildFacts({}, folder, systemGit)).source.dirty
    await writeFile(join(folder, 'new.txt'), 'new')
    expect(await dirty()).toBe(true)
    await writeFile(join(folder, '.git', 'info', 'exclude'), 'new.txt\n')
    expect(await dirty()).toBe(false)
    await writeFile(join(folder, 'a.txt'), 'changed')
    expect(await dirty()).toBe(true)
    await writeFile(join(folder, 'a.txt'), 'a')
  })

  it('take a detached head', async () => {
    git('checkout', '-q', '--detach')
    const { ci } = await buildFacts({}, folder, systemGit)
    expect(ci.commit).toBe(head)
    expect(ci.branch).toBeUndefined()
    git('checkout', '-q', 'main')
  })

  it('are none outside of a repository, and without git', async () => {
    const nothing = { ci: {}, source: { repository: null, commit: null, dirty: null } }
    expect(await buildFacts({}, bare, systemGit)).toEqual(nothing)
    expect(await buildFacts({}, bare, noGit)).toEqual(nothing)
  })

  it('of a pull request on GitHub name its own commit and branch, not those of the merge that is built', async () => {
    const event = join(bare, 'event.json')
    const head = { sha: 'c'.repeat(40), ref: 'topic' }
    await writeFile(event, JSON.stringify({ pull_request: { number: 12, head, base: { ref: 'main' } } }))
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_EVENT_PATH: event,
      GITHUB_SHA: 'a'.repeat(40),
      GITHUB_REF: 'refs/pull/12/merge',
      GITHUB_HEAD_REF: 'topic',
      GITHUB_BASE_REF: 'main',
      GITHUB_REPOSITORY: 'acme/shop',
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_RUN_ID: '77',
    }
    expect((await buildFacts(env, bare, noGit)).ci).toEqual({
      provider: 'github',
      repository: 'github.example/acme/shop',
      commit: 'a'.repeat(40),
      headCommit: 'c'.repeat(40),
      branch: 'topic',
      baseBranch: 'main',
      pullRequest: '12',
      buildId: '77',
      buildUrl: 'https://github.example/acme/shop/actions/runs/77',
      event: 'pull_request',
    })
  })

  it.each(['{broken', 'null', '[]'])('survive an event file that is %j', async (text) => {
    const event = join(bare, 'event.json')
    await writeFile(event, text)
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_PATH: event,
      GITHUB_EVENT_NAME: 'push',
      GITHUB_REF: 'refs/heads/main',
    }
    expect((await buildFacts(env, bare, noGit)).ci).toMatchObject({ provider: 'github', branch: 'main' })
  })

  it.each([
    [
      'GitLab, a merge request',
      {
        GITLAB_CI: 'true',
        CI_PROJECT_URL: 'https://gitlab.example/group/shop',
        CI_COMMIT_SHA: 'm',
        CI_MERGE_REQUEST_ID: '9',
        CI_MERGE_REQUEST_IID: '3',
        CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'topic',
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main',
        CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: 'h',
      },
      {
        provider: 'gitlab',
        repository: 'gitlab.example/group/shop',
        commit: 'm',
        headCommit: 'h',
        branch: 'topic',
        baseBranch: 'main',
      },
    ],
    [
      'CircleCI, a push',
      {
        CIRCLECI: 'true',
        CIRCLE_REPOSITORY_URL: 'git@github.com:acme/shop.git',
        CIRCLE_SHA1: 'x',
        CIRCLE_BRANCH: 'main',
        CIRCLE_BUILD_NUM: '5',
      },
      {
        provider: 'circleci',
        repository: 'github.com/acme/shop',
        commit: 'x',
        headCommit: 'x',
        branch: 'main',
        buildId: '5',
      },
    ],
    [
      'Jenkins, a pull request of a multibranch pipeline',
      {
        JENKINS_URL: 'https://ci.example',
        GIT_URL: 'https://u:p@git.example/shop.git',
        GIT_COMMIT: 'm',
        CHANGE_ID: '4',
        CHANGE_BRANCH: 'topic',
        CHANGE_TARGET: 'main',
        BUILD_NUMBER: '8',
      },
      {
        provider: 'jenkins',
        repository: 'git.example/shop',
        commit: 'm',
        branch: 'topic',
        baseBranch: 'main',
        pullRequest: '4',
      },
    ],
    ['an unknown CI', { CI: 'true' }, { provider: 'unknown' }],
  ] as const)('are read from the environment of %s', async (_, env, expected) => {
    expect((await buildFacts(env, bare, noGit)).ci).toMatchObject(expected)
  })

  it('are cut to what the wire takes', async () => {
    const env = { CIRCLECI: 'true', CIRCLE_SHA1: 'x', CIRCLE_BRANCH: 'b'.repeat(5000) }
    expect((await buildFacts(env, bare, noGit)).ci.branch).toHaveLength(2000)
  })
})
