import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openMongoStore } from '../../../server/store/mongo/open.ts'
import type { Store } from '../../../server/store/ports/store.ts'
import { createRun, finish, LEASE_MS, NO_LIMIT, newUser, SECOND } from '../../contract/store/subject.ts'
import { MovableClock } from '../../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../../support/mongo.ts'
import { MongoWire } from '../../support/mongo-wire.ts'

const why = whyNoMongo()
/** Only a claim asks for this field, and only in its turn: to see which places are free, just before it takes one. */
const LOOKS_FOR_PLACES = 'workspaceSlot'
const TURN_MS = 10 * SECOND

/** Two nodes, of which one stands still in the turn of a user who may have one run at once, with a run in each of two workspaces. */
describe.skipIf(why)(why ?? "a node that stands still in a user's turn to claim", () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  async function open() {
    const database = mongo.database()
    const clock = new MovableClock()
    const wire = await new MongoWire(database).listen()
    onTestFinished(() => wire.close())
    // As the server's own: the time is that at which a command is sent, not that at which it was thought of.
    const now = () => ({ toBSON: () => clock.now() })
    const node = async (url: string) => {
      const { store } = await openMongoStore({ url, now, logGroupMs: 0 })
      onTestFinished(() => store.close())
      return store
    }
    const [frozen, other] = [await node(wire.url), await node(database)]
    const user = newUser({ limits: { maxKeys: null, runsPerDay: null, runningAtOnce: 1 } })
    await other.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
    const triggeredBy = { kind: 'key' as const, id: 'key_1', name: 'ci', userId: user.id }
    const [one, two] = [
      await createRun(other, { triggeredBy, workspace: 'wsp_one' }),
      await createRun(other, { triggeredBy, workspace: 'wsp_two' }),
    ]
    const running = async () => (await other.runs.unfinishedOf(user.id, 10)).filter(({ state }) => state === 'running')
    return { clock, wire, frozen, other, one, two, running }
  }

  const claimIn = (store: Store, worker: string, workspace: string) =>
    store.queue.claim({ id: worker, labels: [] }, { leaseMs: LEASE_MS, perWorkspace: NO_LIMIT, workspace })

  /** Claims at the node that stands still then: it counted none that runs, and is about to start one. */
  async function claimFrozen({ frozen, wire }: Awaited<ReturnType<typeof open>>) {
    wire.hold(LOOKS_FOR_PLACES)
    const claimed = claimIn(frozen, 'wrk_frozen', 'wsp_one')
    await vi.waitFor(() => expect(wire.held).toBe(1), 10_000)
    return { claimed }
  }

  it('starts nothing beyond the limit when it comes back after another one had its turn, and claims later', async () => {
    const world = await open()
    const { clock, wire, frozen, other, one, two, running } = world
    const { claimed } = await claimFrozen(world)
    expect(await claimIn(other, 'wrk_other', 'wsp_two')).toBeUndefined()
    clock.advance(TURN_MS)
    expect(await claimIn(other, 'wrk_other', 'wsp_two')).toMatchObject({ id: two.id, state: 'running' })
    wire.letGo()
    expect(await claimed).toBeUndefined()
    expect(await running()).toMatchObject([{ id: two.id, attempt: 1 }])
    await finish(other, { run: two.id, attempt: 1 }, 'wrk_other')
    expect(await claimIn(frozen, 'wrk_frozen', 'wsp_one')).toMatchObject({ id: one.id, attempt: 1 })
  })

  it('leaves its run to the next claim when it comes back late, though nobody else had a turn', async () => {
    const world = await open()
    const { clock, wire, frozen, one, running } = world
    const { claimed } = await claimFrozen(world)
    clock.advance(TURN_MS / 2)
    wire.letGo()
    expect(await claimed).toBeUndefined()
    expect(await running()).toEqual([])
    expect(await claimIn(frozen, 'wrk_frozen', 'wsp_one')).toMatchObject({ id: one.id, attempt: 1 })
  })

  it('starts its run when it was slow, and its turn is not over', async () => {
    const world = await open()
    const { clock, wire, one } = world
    const { claimed } = await claimFrozen(world)
    clock.advance(TURN_MS / 2 - 1)
    wire.letGo()
    expect(await claimed).toMatchObject({ id: one.id, state: 'running' })
  })
})
