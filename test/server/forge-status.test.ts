import { describe, expect, it, onTestFinished } from 'vitest'
import type { NewRun, Verdict } from '../../server/store/ports/runs.ts'
import { claim, createRun, finish, runningRun } from '../contract/store/subject.ts'
import { forgeDescription } from '../support/forge-descriptions.ts'
import { deliveryWorld, type Script, startReceiver } from './delivery-world.ts'

const SHA = 'a'.repeat(40)
const RUN_ID = 'run_01jd3v9q8m7x5k2r4t6w8y0zab'
const TOKEN = 'ghp_sixteen-characters'
const PATHS = { github: `/repos/acme/shop/statuses/${SHA}`, gitlab: `/projects/acme%2Fshop/statuses/${SHA}` }
type Forge = keyof typeof PATHS

/** A forge that takes what its own description has, and answers as the script says, or as that description does. */
async function forgeWorld(kind: Forge, script?: Script) {
  const world = await deliveryWorld()
  const { problems, answer } = forgeDescription(kind)
  const undescribed: string[] = []
  const receiver = await startReceiver((request, nth) => {
    undescribed.push(...problems(request))
    if (request.path !== PATHS[kind]) undescribed.push(`${request.path} is not the tested commit`)
    if (script) return script(request, nth)
    return (response) => response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  onTestFinished(() => expect(undescribed).toEqual([]))
  const apiUrl = new URL(receiver.url).origin
  const target = kind === 'github' ? { kind, repository: 'acme/shop', apiUrl } : { kind, project: 'acme/shop', apiUrl }
  const { id } = await world.callback(receiver.url, { target, events: ['run.queued', 'run.started', 'run.finished'] })
  await world.store.callbacks.update(id, { secrets: [{ sealed: world.seal(TOKEN, id), until: null }] })
  return { ...world, id, receiver, told: () => receiver.received.map(({ body }) => JSON.parse(body)) }
}
const ofCommit = (change: Partial<NewRun> = {}): Partial<NewRun> => ({
  id: RUN_ID,
  suite: 'shop/checkout',
  ci: { commit: SHA, repository: 'github.com/acme/shop', branch: 'topic' },
  ...change,
})

describe('the status of a commit', () => {
  it.each<[Forge, string[], Record<string, string>]>([
    [
      'github',
      ['pending', 'pending', 'success'],
      { authorization: `Bearer ${TOKEN}`, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    ],
    ['gitlab', ['pending', 'running', 'success'], { 'private-token': TOKEN }],
  ])('on %s goes with its run from pending to success', async (kind, states, headers) => {
    const world = await forgeWorld(kind)
    await createRun(world.store, ofCommit())
    await world.go()
    await world.attempted(1)
    const run = (await claim(world.store))!
    await world.go()
    await world.attempted(2)
    await finish(world.store, { run: run.id, attempt: run.attempt })
    await world.go()
    await world.attempted(3)
    const told = world.told()
    expect(told.map(({ state }) => state)).toEqual(states)
    expect(told[2]).toMatchObject({
      [kind === 'github' ? 'context' : 'name']: 'verdict/shop/checkout',
      target_url: `https://verdict.example/v1/runs/${RUN_ID}`,
      description: 'shop/checkout passed: 1 of 1 passed',
    })
    expect(world.receiver.received[0]!.headers).toMatchObject({ ...headers, 'content-type': 'application/json' })
    expect(world.receiver.received[0]!.headers['webhook-signature']).toBeUndefined()
  })

  const reason = (fault: 'suite' | 'service' | null) => ({
    code: 'internal' as const,
    message: 'why '.repeat(60),
    fault,
  })
  it.each<[Verdict['state'], Verdict, string, string]>([
    ['failed', { state: 'failed', results: null, reason: reason('suite') }, 'failure', 'failed'],
    ['errored', { state: 'errored', results: null, reason: reason('service') }, 'error', 'failed'],
    ['timed_out', { state: 'timed_out', results: null, reason: reason(null) }, 'failure', 'failed'],
    ['cancelled', { state: 'cancelled', results: null, reason: reason(null) }, 'error', 'canceled'],
  ])(
    'of a run that ended %s is never green, and says why in few words',
    async (_state, verdict, onGithub, onGitlab) => {
      for (const [kind, state] of [
        ['github', onGithub],
        ['gitlab', onGitlab],
      ] as const) {
        const world = await forgeWorld(kind)
        const { lease } = await runningRun(world.store, ofCommit())
        await world.store.queue.finish(lease, 'wrk_1', verdict)
        await world.go()
        await expect.poll(() => world.told().at(-1)?.state).toBe(state)
        expect(world.told().at(-1).description).toMatch(/why/)
      }
    },
  )

  it.each<[string, Partial<NewRun>]>([
    ['says no commit', ofCommit({ ci: {} })],
    [
      'has a commit of the suite only',
      ofCommit({
        ci: {},
        source: { kind: 'stored', digest: 'd'.repeat(64), repository: 'r', commit: SHA, dirty: false },
      }),
    ],
    [
      'tested a tree that was changed',
      ofCommit({ source: { kind: 'upload', digest: 'd'.repeat(64), repository: null, commit: SHA, dirty: true } }),
    ],
    [
      'sent a tree of another commit',
      ofCommit({
        source: { kind: 'upload', digest: 'd'.repeat(64), repository: null, commit: 'c'.repeat(40), dirty: false },
      }),
    ],
    ['says what is no commit', ofCommit({ ci: { commit: '../../issues/1', repository: 'github.com/acme/shop' } })],
    ['is of another repository', ofCommit({ ci: { commit: SHA, repository: 'github.com/acme/other' } })],
  ])('is not set by a run that %s', async (_what, run) => {
    const world = await forgeWorld('github')
    const { lease } = await runningRun(world.store, run)
    await finish(world.store, lease)
    await world.go()
    expect(await world.store.deliveries.list('wsp_1', {}, { limit: 10 })).toEqual([])
  })

  it("is that of a pull request's own commit, where a merge was built", async () => {
    const world = await forgeWorld('github')
    await createRun(
      world.store,
      ofCommit({ ci: { commit: 'b'.repeat(40), headCommit: SHA, repository: 'github.com/acme/shop' } }),
    )
    await world.go()
    await world.attempted(1)
    expect(world.told()).toHaveLength(1)
    expect(await world.only()).toMatchObject({ state: 'delivered' })
  })

  it.each([SHA, 'b'.repeat(40)])(
    'is set when the tree that was sent is of a commit of the build: %s',
    async (commit) => {
      const world = await forgeWorld('github')
      const ci = { commit: 'b'.repeat(40), headCommit: SHA, repository: 'github.com/acme/shop' }
      const source = { kind: 'upload' as const, digest: 'd'.repeat(64), repository: null, commit, dirty: false }
      await createRun(world.store, ofCommit({ ci, source }))
      await world.go()
      await world.attempted(1)
      expect(await world.only()).toMatchObject({ state: 'delivered', lastStatus: 201 })
    },
  )

  it.each<[Forge, number]>([
    ['github', 422],
    ['github', 404],
    ['gitlab', 404],
  ])(
    'that %s answers %d, since it does not know the commit, is not sent again, and the callback stays',
    async (kind, status) => {
      const world = await forgeWorld(kind, () => status)
      await createRun(world.store, ofCommit())
      await world.go()
      await world.attempted(1)
      expect(await world.only()).toMatchObject({
        state: 'failed',
        lastError: expect.stringMatching(/does not know the commit/),
      })
      expect(await world.store.callbacks.get(world.id)).toMatchObject({ failingSince: null, disabledAt: null })
    },
  )

  it('disables its callback when the token was revoked there', async () => {
    const world = await forgeWorld('github', () => 401)
    await createRun(world.store, ofCommit())
    await world.go()
    await expect
      .poll(async () => (await world.store.callbacks.get(world.id))?.disabledReason)
      .toMatch(/refused the token/)
    expect((await world.only()).lastError).not.toContain(TOKEN)
  })

  it.each<[string, Forge, number]>([
    ['GitHub is away', 'github', 502],
    ['GitLab is at work on another status of the commit', 'gitlab', 409],
  ])('is tried again when %s', async (_what, kind, status) => {
    const world = await forgeWorld(kind, (_request, nth) => (nth === 1 ? status : 201))
    await createRun(world.store, ofCommit())
    await world.go()
    await world.attempted(1)
    world.clock.advance(60_000)
    await world.go()
    await world.attempted(2)
    expect(await world.only()).toMatchObject({ state: 'delivered' })
  })

  it('of "pending" does not come after the one that says how the run ended', async () => {
    const world = await forgeWorld('github', (_request, nth) => (nth === 1 ? 502 : 201))
    const { id } = await createRun(world.store, ofCommit())
    await world.go()
    await world.attempted(1)
    await world.store.runs.cancel(id, 'cancelled_by_user', 'by hand')
    await world.go()
    await world.attempted(2)
    world.clock.advance(60_000)
    await world.go()
    await world.attempted(3)
    expect(world.told().map(({ state }) => state)).toEqual(['pending', 'error'])
    const pending = await world.store.deliveries.list('wsp_1', { state: 'pending' }, { limit: 5 })
    expect(pending).toEqual([])
  })

  it('that GitLab has already counts as set', async () => {
    const world = await forgeWorld('gitlab', () => (response) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ message: 'Cannot transition status via :enqueue from :pending' }))
    })
    await createRun(world.store, ofCommit())
    await world.go()
    await world.attempted(1)
    expect(await world.only()).toMatchObject({ state: 'delivered', lastStatus: 400, lastError: null })
  })
})
