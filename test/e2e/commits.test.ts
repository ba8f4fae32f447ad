import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ActionStep } from '../support/e2e-action.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { commitAll, git, hasGit, shop, suiteFile, writeFiles } from '../support/e2e-tree.ts'

describe.skipIf(!hasGit)(`checkouts of commits${hasGit ? '' : ' (skipped: git is missing)'}`, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage?.close())

  it('the first line of the log names the commit', async () => {
    const cwd = await stage.checkout(shop())
    const commit = await git(cwd, 'rev-parse', '--short=7', 'HEAD')
    const { stdout } = await stage.verdict(['run'], { cwd })
    expect(stdout.split('\n')[0]).toBe(`price from this tree (4 files, ${commit})`)
  })

  it('the Action tells of the commit that was checked out', async () => {
    const workspace = await stage.checkout(shop())
    const commit = await git(workspace, 'rev-parse', 'HEAD')
    const step = await ActionStep.prepare(stage, { workspace })
    expect((await step.main()).exitCode).toBe(0)
    const [run] = JSON.parse((await step.outputs()).runs ?? '')
    expect(run).toMatchObject({ source: { commit, dirty: false }, ci: { commit } })
  })

  it('says that the tree is dirty', async () => {
    const cwd = await stage.checkout(shop())
    await writeFiles(cwd, shop('100 * 1.2'))
    const { stdout } = await stage.verdict(['run'], { cwd })
    expect(stdout.split('\n')[0]).toMatch(/^price from this tree \(4 files, [0-9a-f]{7}, dirty\)$/)
  })

  it('tests two commits side by side, each checkout with its own verdict', async () => {
    const origin = await stage.checkout(shop())
    const good = await git(origin, 'rev-parse', 'HEAD')
    await writeFiles(origin, shop('net'))
    const bad = await commitAll(origin, 'Forget the tax')
    const [left, right] = [await stage.newFolder(), await stage.newFolder()]
    for (const [folder, commit] of [
      [left, good],
      [right, bad],
    ] as const) {
      await git(folder, 'clone', '--quiet', origin, '.')
      await git(folder, 'checkout', '--quiet', '--detach', commit)
    }
    const [ofGood, ofBad] = await Promise.all(
      [left, right].map((cwd) => stage.verdict(['run', 'price', '--json'], { cwd })),
    )
    expect([ofGood?.exitCode, ofBad?.exitCode]).toEqual([0, 1])
    expect(JSON.parse(ofGood?.stdout ?? '').runs[0]).toMatchObject({ state: 'passed', source: { commit: good } })
    expect(JSON.parse(ofBad?.stdout ?? '').runs[0]).toMatchObject({ state: 'failed', source: { commit: bad } })
  })

  it('a pushed suite is not taken over by another repository unless that is meant', async () => {
    const env = { VERDICT_API_KEY: await stage.makeKey('pusher', '--scopes', 'suites:write,suites:read') }
    const files = { 'verdict.yaml': suiteFile({ ours: { run: 'true' } }) }
    const [ours, theirs] = [await stage.checkout(files), await stage.checkout(files)]
    await git(ours, 'remote', 'add', 'origin', 'https://git.example.com/us/shop.git')
    await git(theirs, 'remote', 'add', 'origin', 'https://git.example.com/them/fork.git')
    expect((await stage.verdict(['suites', 'push'], { cwd: ours, env })).exitCode).toBe(0)
    const refused = await stage.verdict(['suites', 'push'], { cwd: theirs, env })
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toMatch(/us\/shop[\s\S]*--take-over/)
    expect((await stage.verdict(['suites', 'push', '--take-over'], { cwd: theirs, env })).exitCode).toBe(0)
  })
})
