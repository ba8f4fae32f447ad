import type { NewDelivery } from '../ports/outbox.ts'
import type { Database } from './database.ts'

export const DELIVERY_INSERT_SQL = {
  payload: 'INSERT INTO payloads (event, body) VALUES (:event, :body) RETURNING id',
  // Once for each event and endpoint, whatever is repeated.
  insert: `INSERT INTO deliveries (id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries, nextAt,
      createdAt, payload, attempted)
    VALUES (:id, :workspace, :endpoint, :callback, :url, :event, :type, :run, :suite, 'pending', 0, 0, :now, :now, :payload, '[]')
    ON CONFLICT (event, endpoint) DO NOTHING`,
}

/** Those of one event, due at once. Within a transaction. */
export function insertDeliveries(db: Database, deliveries: readonly NewDelivery[]): void {
  const now = db.now()
  const payloads = new Map<string, unknown>()
  for (const { body, ...delivery } of deliveries) {
    const payload = payloads.get(body) ?? db.get(DELIVERY_INSERT_SQL.payload, { event: delivery.event, body })?.id
    payloads.set(body, payload)
    db.run(DELIVERY_INSERT_SQL.insert, { ...delivery, now, payload })
  }
}
