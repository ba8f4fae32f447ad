import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestProcess } from '../support/e2e-process.ts'
import { startServerProcess } from '../support/e2e-server.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { exchangeForm } from '../support/server.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

function backup(folder: string, env: Readonly<Record<string, string>> = {}) {
  const { dataDir } = stage
  return new TestProcess({
    program: process.execPath,
    args: [MAIN, 'backup', folder],
    cwd: stage.folder,
    env: { VERDICT_DATA_DIR: dataDir, ...env },
  }).ended
}

describe('a backup of a running server', () => {
  it('is a data folder on which a server starts with everything that was there', { timeout: 90_000 }, async () => {
    const key = await stage.makeKey('pusher', '--scopes', 'runs:write,runs:read,suites:read,suites:write')
    const cwd = await stage.tree({
      'verdict.yaml': JSON.stringify({
        suites: {
          kept: { run: 'cat a.txt | tee out.txt; test -n "$TOKEN"', artifacts: 'out.txt', secrets: ['TOKEN'] },
        },
      }),
      'a.txt': 'the tree\n',
    })
    const env = { VERDICT_API_KEY: key }
    const pushed = await stage.verdict(['suites', 'push'], { cwd, env })
    expect(pushed.exitCode, pushed.stderr).toBe(0)
    const token = stage.leaks.secret('a secret of the suite')
    const secret = await stage.verdict(['suites', 'secret', 'set', 'kept', 'TOKEN'], { cwd, env, stdin: token })
    expect(secret.exitCode, secret.stderr).toBe(0)
    const stored = ['run', 'kept', '--stored', '--json']
    const first = await stage.verdict(stored, { env })
    expect(first.exitCode, first.stderr).toBe(0)
    const { id } = JSON.parse(first.stdout).runs[0]

    // Work goes on while the copy is made.
    const busy = Promise.all([stage.verdict(stored, { env }), stage.verdict(stored, { env })])
    const folder = join(stage.folder, 'backup')
    const { exitCode, stdout, stderr } = await backup(folder)
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toMatch(/^Backed up to .*backup: the database and \d+ files/)
    expect((await busy).map((one) => one.exitCode)).toEqual([0, 0])

    expect((await readdir(folder)).sort()).toEqual(['blobs', 'secret-key', 'verdict.db'])
    for (const file of ['secret-key', 'verdict.db']) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await readFile(join(folder, 'verdict.db'))).includes(token)).toBe(false)

    // The tokens of the old address are of no use at the new one; the keys are.
    const restored = await startServerProcess({ dataDir: folder })
    try {
      const there = { env: { ...env, VERDICT_URL: restored.url } }
      const shown = await stage.verdict(['logs', id], there)
      expect(shown.stdout).toContain('the tree')
      const again = await stage.verdict(stored, there)
      expect(again.exitCode, again.stderr).toBe(0)
      const whole = await stage.verdict(['wait', id, '--json'], there)
      expect(JSON.parse(whole.stdout)).toMatchObject({
        state: 'passed',
        runs: [{ artifacts: 1, results: { passed: 1 } }],
      })
      const body = new URLSearchParams(exchangeForm(key))
      const exchanged = await (await fetch(`${restored.url}/oauth/token`, { method: 'POST', body })).json()
      const headers = { authorization: `Bearer ${exchanged.access_token}` }
      const artifact = await fetch(`${restored.url}/v1/runs/${id}/artifacts/out.txt`, { headers })
      expect(await artifact.text()).toBe('the tree\n')
    } finally {
      restored.process.signal('SIGTERM')
      await restored.process.ended
    }
  })

  it('holds no secret key when that is given by VERDICT_SECRET_KEY', async () => {
    const folder = join(stage.folder, 'without-key')
    const { exitCode, stdout } = await backup(folder, { VERDICT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('VERDICT_SECRET_KEY')
    expect(existsSync(join(folder, 'secret-key'))).toBe(false)
  })

  it('is made of a stopped one, too', async () => {
    const copy = join(stage.folder, 'first-copy')
    await backup(copy)
    const again = join(stage.folder, 'second-copy')
    const { exitCode, stderr } = await backup(again, { VERDICT_DATA_DIR: copy })
    expect(exitCode, stderr).toBe(0)
    expect((await readdir(again)).sort()).toEqual(['blobs', 'secret-key', 'verdict.db'])
  })

  it('is never half there', async () => {
    const folder = join(stage.folder, 'half')
    const away = await backup(folder, { VERDICT_DATA_DIR: join(stage.folder, 'nothing') })
    expect(away).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('There is no database') })
    expect((await readdir(stage.folder)).filter((name) => name.startsWith('half'))).toEqual([])
    await writeFile(join(await stage.newFolder(), 'x'), 'x')
    const taken = await backup(join(stage.folder, 'server'))
    expect(taken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not empty') })
    await rm(folder, { recursive: true, force: true })
  })

  it.each([[['backup']], [['backup', 'a', 'b']], [['serve', 'x']]])('needs one folder: %j', async (args) => {
    const { exitCode, stderr } = await new TestProcess({
      program: process.execPath,
      args: [MAIN, ...args],
      cwd: stage.folder,
    }).ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('backup FOLDER')
  })
})
