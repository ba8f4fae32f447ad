import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { fillMongo } from './fill-mongo.ts'
import { fillSqlite } from './fill-sqlite.ts'
import type { BenchMongo } from './mongo.ts'
import { type BenchServer, startServer } from './processes.ts'
import { type Amounts, makeTemplate, type Shown, TRIGGERED } from './template.ts'
import { addWorker, drain } from './workers.ts'

/** A server on a store that holds much, or little. */
export interface World {
  readonly server: BenchServer
  readonly shown: Shown
  /** Takes away what waits in the queue. */
  emptyQueue(): Promise<void>
  stop(): Promise<void>
}

export async function sqliteWorld(amounts: Amounts): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-world-'))
  const settings = { VERDICT_RUNNER: 'none', VERDICT_DATA_DIR: folder }
  const first = await startServer(settings)
  const template = await makeTemplate(first)
  await first.stop()
  const shown = fillSqlite(join(folder, 'verdict.db'), template, amounts)
  const server = await startServer(settings)
  const worker = await addWorker(server)
  return {
    ...{ server, shown },
    emptyQueue: async () => void (await drain([worker])),
    async stop() {
      worker.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** On a new database. */
export async function startOnMongo(databaseUrl: string) {
  const server = await startServer({
    VERDICT_RUNNER: 'none',
    VERDICT_DATABASE_URL: databaseUrl,
    VERDICT_SECRET_KEY: randomBytes(32).toString('base64'),
  })
  const client = new MongoClient(databaseUrl)
  const runs = client.db().collection('runs')
  return {
    server,
    runs,
    emptyQueue: async () => void (await runs.deleteMany({ state: 'queued' })),
    removeRuns: async () => void (await runs.deleteMany({})),
    async stop() {
      await client.close()
      await server.stop()
    },
  }
}

export async function mongoWorld(mongo: BenchMongo, amounts: Amounts): Promise<World> {
  const url = mongo.database()
  const { runs, ...world } = await startOnMongo(url)
  const shown = await fillMongo(url, await makeTemplate(world.server), amounts)
  // With those that were ended: both sides of a comparison list as many runs.
  const emptyQueue = async () => void (await runs.deleteMany({ facts: TRIGGERED }))
  return { ...world, shown, emptyQueue }
}
