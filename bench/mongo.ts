import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { startMongo, whyNoOwnMongo } from '../test/support/mongo.ts'
import { whenInterrupted } from './ending.ts'

/** A MongoDB to measure on, and who it is. */
export interface BenchMongo {
  readonly name: string
  /** The address of a database that nobody has yet. */
  database(): string
  /** Removes all databases that were asked for. */
  stop(): Promise<void>
}

/** Why the server of that address cannot be measured on, without its password; undefined when it can. */
export async function whyUnusable(url: string): Promise<string | undefined> {
  let client: MongoClient | undefined
  try {
    client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 })
    await client.db('admin').command({ ping: 1 })
    return undefined
  } catch (error) {
    return (error as Error).message.replace(/\/\/[^/\s]*@/g, '//…@')
  } finally {
    await client?.close()
  }
}

/** The server of that address, or one that is started here (as tests do); undefined, after a line that says so, when there is none. */
export async function openMongo(url: string | undefined): Promise<BenchMongo | undefined> {
  if (url !== undefined) return givenMongo(url)
  if (whyNoOwnMongo()) {
    console.error(
      '  not on MongoDB: --mongodb-url names none, and neither mongod nor its stand-in is here (tools/ci-tools.sh secantusd)',
    )
    return undefined
  }
  // Acknowledged writes are on disk, as with a majority of a real one.
  const mongo = await startMongo({ own: true, durable: true })
  return { name: mongo.kind, database: () => mongo.database(), stop: () => mongo.stop() }
}

async function givenMongo(url: string): Promise<BenchMongo> {
  const client = new MongoClient(url)
  const { version } = await client.db('admin').command({ buildInfo: 1 })
  const made: string[] = []
  async function stop() {
    forget()
    for (const name of made.splice(0)) await client.db(name).dropDatabase()
    await client.close()
  }
  const forget = whenInterrupted(stop)
  return {
    name: `MongoDB ${version}`,
    database() {
      const name = `verdict_bench_${randomBytes(6).toString('hex')}`
      made.push(name)
      return withDatabase(url, name)
    },
    stop,
  }
}

/** The address with another database. Who signed in at the one that it named goes on doing so. */
function withDatabase(url: string, name: string): string {
  const [, base = '', old = '', query = ''] = /^([^:]+:\/\/[^/?]*)\/?([^?]*)\??(.*)$/.exec(url) ?? []
  const signIn = old !== '' && base.includes('@') && !/(^|&)authSource=/i.test(query) ? [`authSource=${old}`] : []
  return `${base}/${name}?${[query, ...signIn].filter((part) => part !== '').join('&')}`
}
