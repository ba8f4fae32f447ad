import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Revocation, revocationMemory } from '../../server/domain/revocation.ts'
import { STALE_AFTER_MS } from '../../server/jobs/follow-revocations.ts'
import type { AccessChange } from '../../server/store/ports/revocations.ts'
import type { Store } from '../../server/store/ports/store.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { MovableClock } from '../support/clock.ts'

// The memory of a node that is not the only one: others write to the same store.

const MINUTE = 60_000
const claimsOf = (jti: string) => ({ jti, client_id: 'key_1', sub: 'usr_1', workspace: 'wsp_1' })

let clock: MovableClock
let store: Store
/** What was written, and is not to be seen yet: a majority has not got it, or its node is slow. */
let hidden: (change: AccessChange) => boolean
let away: Error | undefined
let memory: Revocation
beforeEach(async () => {
  clock = new MovableClock()
  hidden = () => false
  away = undefined
  store = await openSqliteStore({ memory: true, clock })
  const revocations: Store['revocations'] = {
    ...store.revocations,
    async changedSince(time) {
      if (away) throw away
      return (await store.revocations.changedSince(time)).filter((change) => !hidden(change))
    },
  }
  memory = revocationMemory({
    store: { ...store, revocations },
    clock,
    tokenTtlMs: 15 * MINUTE,
    staleAfterMs: STALE_AFTER_MS,
  })
  await memory.refresh()
})
afterEach(() => store.close())

const revoke = (jti: string) => store.revocations.revokeToken(jti, clock.now() + 15 * MINUTE)
/** As the poll of every half second. */
async function look(times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    clock.advance(500)
    await memory.refresh()
  }
}

describe('what another node revoked', () => {
  it('is refused from the next look on', async () => {
    await revoke('t-1')
    expect(memory.refusal(claimsOf('t-1'))).toBeUndefined()
    await look(1)
    expect(memory.refusal(claimsOf('t-1'))).toBe('the token was revoked')
    expect(memory.refusal(claimsOf('t-2'))).toBeUndefined()
  })

  it.each([1, 10, 29])('is not missed when the write becomes visible %i s after its own time', async (seconds) => {
    await revoke('t-late')
    hidden = (change) => change.kind === 'token' && change.id === 't-late'
    await look(seconds * 2)
    expect(memory.refusal(claimsOf('t-late'))).toBeUndefined()
    hidden = () => false
    await look(1)
    expect(memory.refusal(claimsOf('t-late'))).toBe('the token was revoked')
  })

  it('is not missed when the clock of the store was set back', async () => {
    clock.jump(-5 * MINUTE)
    await revoke('t-back')
    await look(1)
    expect(memory.refusal(claimsOf('t-back'))).toBe('the token was revoked')
  })

  it('is told once, however many looks see it', async () => {
    let told = 0
    memory.onChange(() => told++)
    await revoke('t-1')
    await look(5)
    expect(told).toBe(1)
  })
})

describe('a node that cannot look', () => {
  it('knows too little after a second, and enough again after the next good look', async () => {
    away = new Error('the store is away')
    clock.advance(STALE_AFTER_MS)
    await expect(memory.refresh()).rejects.toThrow('away')
    expect(memory.isStale()).toBe(false)
    clock.advance(1)
    expect(memory.isStale()).toBe(true)
    away = undefined
    await memory.refresh()
    expect(memory.isStale()).toBe(false)
  })

  it('has not forgotten what it knew', async () => {
    await revoke('t-1')
    await look(1)
    away = new Error('the store is away')
    clock.advance(10 * MINUTE)
    await expect(memory.refresh()).rejects.toThrow('away')
    expect(memory.refusal(claimsOf('t-1'))).toBe('the token was revoked')
  })
})
