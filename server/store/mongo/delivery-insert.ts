import type { NewDelivery } from '../ports/outbox.ts'
import type { Database, Doc } from './database.ts'
import { isDuplicate } from './errors.ts'

/** Once for each event and endpoint, whatever is repeated. */
export async function insertDelivery(db: Database, { id, ...delivery }: NewDelivery): Promise<void> {
  const fresh = {
    state: 'pending',
    attempts: 0,
    tries: 0,
    owner: null,
    lastStatus: null,
    lastError: null,
    finishedAt: null,
  }
  const doc: Doc = { _id: id, ...delivery, ...fresh, attempted: [] }
  await db.insert('deliveries', doc, { createdAt: db.now(), nextAt: db.now() }).catch((error) => {
    if (!isDuplicate(error)) throw error
  })
}
