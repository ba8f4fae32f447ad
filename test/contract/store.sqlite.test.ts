import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { MovableClock } from '../support/clock.ts'
import { storeContract } from './store.contract.ts'

storeContract('SQLite', async () => {
  const clock = new MovableClock()
  const store = await openSqliteStore({ memory: true, clock, logGroupMs: 0 })
  return { store, clock, close: () => store.close() }
})
