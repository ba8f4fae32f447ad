import type { Database } from './database.ts'

export const DELIVERY_REMOVAL_SQL = {
  delivery: 'DELETE FROM deliveries WHERE id = :id',
  payloads: 'DELETE FROM payloads WHERE event = :event AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = :event)',
}

/** What was sent goes with the last delivery of its event. Within a transaction. Answers how many. */
export function removeDeliveries(db: Database, deliveries: readonly Readonly<Record<string, unknown>>[]): number {
  for (const { id } of deliveries) db.run(DELIVERY_REMOVAL_SQL.delivery, { id })
  for (const event of new Set(deliveries.map(({ event }) => event))) db.run(DELIVERY_REMOVAL_SQL.payloads, { event })
  return deliveries.length
}
