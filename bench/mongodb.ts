import { claimRows } from './claims.ts'
import { openMongo } from './mongo.ts'
import { startCeiling } from './processes.ts'
import type { Row } from './table.ts'
import { throughputRows } from './throughput.ts'
import { startOnMongo } from './worlds.ts'

/** Triggers and exchanges on MongoDB beside the bare driver, and what workers take from the queue there. */
export async function mongodb({ mongodbUrl }: { mongodbUrl?: string }): Promise<Row[]> {
  const mongo = await openMongo(mongodbUrl)
  if (!mongo) return []
  try {
    const { server, emptyQueue, removeRuns, stop } = await startOnMongo(mongo.database())
    const ceiling = await startCeiling(mongo.database())
    try {
      const rows = await throughputRows(server, ceiling, mongo.name, emptyQueue)
      return [...rows, ...(await claimRows(server, mongo.name, removeRuns))]
    } finally {
      await stop()
      await ceiling.stop()
    }
  } finally {
    await mongo.stop()
  }
}
