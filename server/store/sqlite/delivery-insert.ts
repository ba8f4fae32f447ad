import type { NewDelivery } from '../ports/outbox.ts'
import type { Database } from './database.ts'

export const DELIVERY_INSERT_SQL = {
  // Once for each event and endpoint, whatever is repeated.
  insert: `INSERT INTO deliveries (id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries, nextAt,
      createdAt, body)
    VALUES (:id, :workspace, :endpoint, :callback, :url, :event, :type, :run, :suite, 'pending', 0, 0, :now, :now, :body)
    ON CONFLICT (event, endpoint) DO NOTHING`,
}

export function insertDelivery(db: Database, delivery: NewDelivery): void {
  db.run(DELIVERY_INSERT_SQL.insert, { ...delivery, now: db.now() })
}
