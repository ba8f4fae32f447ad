import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildFacts } from '../../gate/ci-facts.ts'
import { systemGit } from '../../gate/git.ts'
import { temporaryFolder } from '../support/folder.ts'
import { CI_ENVIRONMENTS } from './ci-environments.ts'

/** A checkout without git: what the CI system says is all there is. */
const noGit = async () => undefined

describe('the facts of a build in the environment of', () => {
  it.each(CI_ENVIRONMENTS)('$system, $build', async ({ env, facts, build }) => {
    const { ci, source } = await buildFacts(env, tmpdir(), noGit)
    expect(ci).toMatchObject(facts)
    expect(source).toMatchObject({ commit: facts.commit, dirty: null })
    if (!build.startsWith('pull request')) expect([ci.pullRequest, ci.baseBranch]).toEqual([undefined, undefined])
  })

  it.each(CI_ENVIRONMENTS)('$system, $build, with what git has checked out', async ({ env, facts }) => {
    const checkedOut = 'd'.repeat(40)
    const git = async (args: readonly string[]) => (args[0] === 'rev-parse' ? checkedOut : '')
    const { ci } = await buildFacts(env, tmpdir(), git)
    expect(ci.commit).toBe(checkedOut)
    expect(ci.branch).toBe(facts.branch)
  })

  it('a shallow clone with a detached head, as CI systems check out', async () => {
    const folder = temporaryFolder('verdict-shallow-')
    const git = (cwd: string, ...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
        cwd,
        encoding: 'utf8',
        stdio: 'pipe',
      }).trim()
    const [full, shallow] = [join(folder, 'full'), join(folder, 'shallow')]
    git(folder, 'init', '--quiet', '--initial-branch', 'main', full)
    for (const text of ['one', 'two']) {
      writeFileSync(join(full, 'a.txt'), text)
      git(full, 'add', '.')
      git(full, 'commit', '--quiet', '--message', text)
    }
    git(folder, 'clone', '--quiet', '--depth', '1', `file://${full}`, shallow)
    git(shallow, 'checkout', '--quiet', '--detach')
    const env = { CIRCLECI: 'true', CIRCLE_BRANCH: 'main', CIRCLE_SHA1: 'f'.repeat(40) }
    const { ci, source } = await buildFacts(env, shallow, systemGit)
    const commit = git(full, 'rev-parse', 'HEAD')
    expect(ci).toMatchObject({ commit, branch: 'main', provider: 'circleci' })
    expect(source).toEqual({ repository: null, commit, dirty: false })
  })

  it('a system that says what no git has, which costs the facts and not the build', async () => {
    const { ci } = await buildFacts({ BUILD_BUILDURI: 'x', BUILD_SOURCEBRANCH: '\n' }, tmpdir(), noGit)
    expect(ci.branch).toBeUndefined()
  })
})
