import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startReceiver } from '../server/delivery-world.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { shop } from '../support/e2e-tree.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'ip', 'nsenter', 'unshare', 'git'])
const about = 'a push, without any CI job'
const REPOSITORY = 'private/shop'

describe.skipIf(missing)(missing ? `${about} (skipped: ${missing})` : about, { timeout: 60_000 }, () => {
  let stage: Stage
  let host: GitServer
  let trigger: { id: string; secret: string }
  beforeAll(async () => {
    host = await startGitServer()
    const env = { VERDICT_RUNNER: 'sandbox', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' }
    stage = await openStage({ env })
    const source = { git: host.insideUrlOf(REPOSITORY), credential: 'GIT_TOKEN' }
    await stage.client.suites.put('price', { definition: { run: 'false', source } })
    stage.leaks.secret('git-token-1')
    await stage.client.suites.setSecret('price', 'GIT_TOKEN', host.credential)
    trigger = await stage.client.triggers.create({ suite: 'price', kind: 'github', branches: ['main'] })
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(async () => {
    await stage?.close()
    await host?.close()
  })

  /** As GitHub sends it when a push has arrived. */
  async function webhook(commit: string) {
    const repository = { full_name: REPOSITORY, html_url: `https://github.com/${REPOSITORY}` }
    const body = JSON.stringify({ ref: 'refs/heads/main', after: commit, deleted: false, repository })
    const signature = `sha256=${createHmac('sha256', trigger.secret).update(body).digest('hex')}`
    const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature }
    const answer = await fetch(`${stage.url}/triggers/${trigger.id}`, { method: 'POST', headers, body })
    return { status: answer.status, run: (await answer.json()) as { id: string } }
  }

  it('turns its commit green or red by the suite that is in it, and says when it is gone', async () => {
    const forge = await startReceiver(() => 201)
    const target = { repository: REPOSITORY, token: 'ghp_status', apiUrl: new URL(forge.url).origin }
    await stage.client.callbacks.create({ kind: 'github', ...target })
    const statesOf = (commit: string) =>
      forge.received
        .filter(({ path }) => path === `/repos/${REPOSITORY}/statuses/${commit}`)
        .map(({ body }) => JSON.parse(body).state)
    const expectStatus = (commit: string, state: string) =>
      expect.poll(() => statesOf(commit).at(-1), { timeout: 30_000 }).toBe(state)

    for (const [files, state, status] of [
      [shop(), 'passed', 'success'],
      [shop('net'), 'failed', 'failure'],
    ] as const) {
      const commit = await host.push(REPOSITORY, files)
      const { status: answered, run } = await webhook(commit)
      expect(answered).toBe(202)
      await expectStatus(commit, status)
      expect(statesOf(commit)[0]).toBe('pending')
      const ended = await stage.client.runs.get(run.id)
      expect(ended).toMatchObject({ state, source: { kind: 'git', commit, dirty: false }, ci: { branch: 'main' } })
      expect(ended.results?.total).toBeGreaterThan(0)
      const log = await stage.logOf(run.id)
      expect(log).toContain(`at ${commit}`)
      expect(log).not.toContain('git-token-1')
    }

    const gone = 'd'.repeat(40)
    const { run } = await webhook(gone)
    await expectStatus(gone, 'error')
    expect((await stage.client.runs.get(run.id)).reason).toMatchObject({ code: 'commit_missing', fault: 'suite' })
  })
})
