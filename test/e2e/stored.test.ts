import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { suiteFile, writeFiles } from '../support/e2e-tree.ts'

let stage: Stage
let pusher: Record<string, string>
beforeAll(async () => {
  stage = await openStage()
  const scopes = 'suites:write,suites:read,runs:write,runs:read'
  pusher = { VERDICT_API_KEY: await stage.makeKey('pusher', '--scopes', scopes) }
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

describe('a pushed suite', () => {
  it('runs as it was pushed with --stored, whatever the tree says now', async () => {
    const cwd = await stage.tree({ 'verdict.yaml': suiteFile({ pushed: { run: 'echo as pushed' } }) })
    const pushed = await stage.verdict(['suites', 'push'], { cwd, env: pusher })
    expect(pushed.exitCode, pushed.stderr).toBe(0)
    expect(pushed.stdout).toMatch(/pushed pushed, revision 1 \(1 file\)/)
    const again = await stage.verdict(['suites', 'push'], { cwd, env: pusher })
    expect(again.stdout).toMatch(/pushed unchanged, revision 1/)
    const listed = JSON.parse((await stage.verdict(['suites', 'list', '--json'], { env: pusher })).stdout)
    expect(Object.keys(listed)).toEqual(['items'])
    expect(listed.items).toMatchObject([{ name: 'pushed', revision: 1 }])
    await writeFiles(cwd, { 'verdict.yaml': suiteFile({ pushed: { run: 'echo as changed; false' } }) })

    const stored = await stage.verdict(['run', '--stored', '--json'], { cwd })
    expect(stored.exitCode, stored.stderr).toBe(0)
    expect(stored.stderr).toMatch(/^pushed, revision 1 of \d{4}-\d\d-\d\d$/m)
    const [run] = JSON.parse(stored.stdout).runs
    expect(run).toMatchObject({ state: 'passed', revision: 1, source: { kind: 'stored' } })
    expect(await stage.logOf(run.id)).toMatch(/^as pushed$/m)

    const fromTree = await stage.verdict(['run', '--json'], { cwd })
    expect(fromTree.exitCode).toBe(1)
    expect(JSON.parse(fromTree.stdout).runs[0]).toMatchObject({
      revision: null,
      source: { kind: 'upload' },
    })
    await expect(stage.client.suites.get('pushed')).resolves.toMatchObject({ revision: 1 })
  })

  it('runs without any checkout', async () => {
    const cwd = await stage.tree({ 'verdict.yaml': suiteFile({ alone: { run: 'cat verdict.yaml' } }) })
    await stage.verdict(['suites', 'push'], { cwd, env: pusher })
    const ended = await stage.verdict(['run', 'alone'], { cwd: await stage.newFolder() })
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stdout).toMatch(/^alone, revision 1 of /m)
  })

  it('that is locked runs only as pushed, and says how', async () => {
    const cwd = await stage.tree({ 'verdict.yaml': suiteFile({ locked: { run: 'true', locked: true } }) })
    expect((await stage.verdict(['suites', 'push'], { cwd, env: pusher })).exitCode).toBe(0)
    const refused = await stage.verdict(['run'], { cwd })
    expect(refused.exitCode).toBe(2)
    expect(refused.stdout + refused.stderr).toMatch(/--stored/)
    expect((await stage.verdict(['run', '--stored'], { cwd })).exitCode).toBe(0)
  })

  it('is not there for a key that may only run other suites', async () => {
    const env = { VERDICT_API_KEY: await stage.makeKey('narrow', '--suites', 'pushed') }
    const cwd = await stage.suites({ elsewhere: { run: 'true' } })
    const refused = await stage.verdict(['run'], { cwd, env })
    expect(refused.exitCode, refused.stderr).toBe(3)
    expect(await stage.runsOf('elsewhere')).toEqual([])
  })
})

describe('secrets', () => {
  const SHOW = 'echo "it is ${SHOP_TOKEN:-not here}"; printf "%s" "$SHOP_TOKEN" | wc -c'

  it('that are stored go to the pushed suite, masked, and to no run that brings its own definition', async () => {
    const value = stage.leaks.secret('stored-c0ffee-c0ffee-c0ffee')
    const cwd = await stage.tree({
      'verdict.yaml': suiteFile({ guarded: { run: SHOW, secrets: ['SHOP_TOKEN'] } }),
    })
    await stage.verdict(['suites', 'push'], { cwd, env: pusher })
    const missing = await stage.verdict(['run', '--stored'], { cwd })
    expect(missing.exitCode).toBe(2)
    expect(missing.stdout + missing.stderr).toMatch(/SHOP_TOKEN/)
    const set = ['suites', 'secret', 'set', 'guarded', 'SHOP_TOKEN']
    const kept = await stage.verdict(set, { cwd, env: pusher, stdin: `${value}\n` })
    expect(kept.exitCode, kept.stderr).toBe(0)

    const stored = await stage.verdict(['run', '--stored', '--json'], { cwd })
    expect(stored.exitCode, stored.stderr).toBe(0)
    const log = await stage.verdict(['logs', JSON.parse(stored.stdout).runs[0].id])
    expect(log.stdout).toMatch(/^it is \*+$/m)
    // It had the value itself, not the mask.
    expect(log.stdout).toMatch(new RegExp(`^\\s*${value.length}$`, 'm'))

    // The same suite from the tree: the client says what is missing, and starts nothing.
    const declared = await stage.verdict(['run'], { cwd })
    expect(declared.exitCode).toBe(2)
    expect(declared.stderr).toMatch(/SHOP_TOKEN[\s\S]*--secret SHOP_TOKEN/)
    // A client that sends it all the same is refused.
    const definition = { run: SHOW, secrets: ['SHOP_TOKEN'] }
    await expect(stage.clientWith(stage.key).runs.create({ suite: 'guarded', definition })).rejects.toMatchObject({
      code: 'secret_missing',
    })
    // A definition of that name that does not even declare it, as a hostile change would.
    await writeFiles(cwd, { 'verdict.yaml': suiteFile({ guarded: { run: `${SHOW}; env` } }) })
    const brought = await stage.verdict(['run', '--json'], { cwd })
    expect(brought.exitCode, brought.stderr).toBe(0)
    expect(await stage.logOf(JSON.parse(brought.stdout).runs[0].id)).toMatch(/^it is not here$/m)
  })

  it('that come with a run are masked in log, JUnit, summary and cases', async () => {
    const value = stage.leaks.secret('sent-with-the-run-0123456789')
    const run = `echo "$SHOP_TOKEN"; echo "<testsuite><testcase name='a'><failure message='$SHOP_TOKEN'>$SHOP_TOKEN</failure></testcase></testsuite>" > report.xml`
    const cwd = await stage.suites({ sent: { run, report: 'report.xml', secrets: ['SHOP_TOKEN'] } })
    const flags = ['--secret', 'SHOP_TOKEN', '--junit-file', 'junit.xml', '--summary-file', 'summary.md']
    const ended = await stage.verdict(['run', ...flags], { cwd, env: { SHOP_TOKEN: value } })
    expect(ended.exitCode, ended.stderr).toBe(1)
    expect(ended.stdout).toMatch(/\*\*\*/)
    for (const file of ['junit.xml', 'summary.md']) {
      const text = await readFile(join(cwd, file), 'utf8')
      expect(text).toMatch(/\*\*\*/)
      expect(text).not.toContain(value)
    }
  })

  it('are never a flag', async () => {
    const value = 'never-a-flag-0123456789'
    const cwd = await stage.suites({ sent: { run: 'true', secrets: ['SHOP_TOKEN'] } })
    const ended = await stage.verdict(['run', '--secret', `SHOP_TOKEN=${value}`], { cwd })
    expect(ended.exitCode).toBe(2)
    expect(ended.stdout + ended.stderr).not.toContain(value)
  })
})
