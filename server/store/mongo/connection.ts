import { type CommandStartedEvent, type Db, MongoClient, MongoParseError } from 'mongodb'
import { StoreError } from '../ports/store.ts'
import { asStoreError } from './errors.ts'

export interface ConnectionOptions {
  /** `mongodb://` or `mongodb+srv://`; the database is the one of its path, else `verdict`. */
  readonly url: string
  /** How many connections this process holds at most. */
  readonly maxPoolSize: number
  /** How long a server that takes writes is looked for, before a call fails, unless the URL says (serverSelectionTimeoutMS). */
  readonly serverSelectionTimeoutMs: number
  /** Is told of every command: for tests. */
  readonly onCommand?: ((command: CommandStartedEvent) => void) | undefined
}

export interface Connection {
  readonly client: MongoClient
  readonly db: Db
  /** Whether changes can be listened to, and a write survives the loss of a server. */
  readonly replicaSet: boolean
  readonly sharded: boolean
}

const DATABASE = 'verdict'
/** How long a majority may take to confirm a write. */
const WRITE_TIMEOUT_MS = 10_000
/** maxWireVersion of MongoDB 7.0, the oldest that is tested and maintained (mongodb.com/legal/support-policy/lifecycles). */
const OLDEST = { wire: 21, name: '7.0' }

/**
 * Connects and makes sure that the server can be worked with. Rejects with a {@link StoreError} that says what to do: not a
 * URL of MongoDB, nothing there, wrong credentials, a server that is too old. No message holds the password.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const client = makeClient(options)
  const hosts = client.options.srvHost ?? client.options.hosts.map((host) => host.toString()).join(', ')
  try {
    await client.connect()
    const hello = await client.db('admin').command({ hello: 1 })
    if (hello.maxWireVersion < OLDEST.wire) {
      throw new StoreError(
        'unavailable',
        `MongoDB at ${hosts} is older than ${OLDEST.name}. Upgrade it; Verdict needs ${OLDEST.name} or newer.`,
      )
    }
    const sharded = hello.msg === 'isdbgrid'
    return {
      client,
      db: client.db(databaseOf(options.url)),
      replicaSet: sharded || hello.setName !== undefined,
      sharded,
    }
  } catch (error) {
    await client.close().catch(() => undefined)
    if (error instanceof StoreError) throw error
    const outage = asStoreError(error)
    const why = outage instanceof Error ? outage.message.replace('The store cannot be used: ', '') : String(outage)
    throw new StoreError(
      'unavailable',
      `MongoDB at ${hosts} cannot be used: ${why} Check VERDICT_DATABASE_URL, and that the server runs and lets this machine in.`,
      { cause: error },
    )
  }
}

function makeClient(options: ConnectionOptions): MongoClient {
  const given = /[?&]serverSelectionTimeoutMS=([1-9]\d*)/i.exec(options.url)?.[1]
  const patienceMs = given === undefined ? options.serverSelectionTimeoutMs : Number(given)
  try {
    const client = new MongoClient(options.url, {
      appName: 'verdict',
      maxPoolSize: options.maxPoolSize,
      serverSelectionTimeoutMS: patienceMs,
      connectTimeoutMS: patienceMs,
      // Whoever waits for a connection gives up as one does who waits for a server.
      waitQueueTimeoutMS: patienceMs,
      retryWrites: true,
      retryReads: true,
      writeConcern: { w: 'majority', wtimeoutMS: WRITE_TIMEOUT_MS },
      // What is read is what is written: no secondary is ever asked, whatever the URL says.
      readPreference: 'primary',
      monitorCommands: options.onCommand !== undefined,
    })
    if (options.onCommand) client.on('commandStarted', options.onCommand)
    return client
  } catch (error) {
    const told = error instanceof MongoParseError ? ` (${withoutCredentials(error.message)})` : ''
    throw new StoreError(
      'unavailable',
      `VERDICT_DATABASE_URL is not a URL of MongoDB${told}. It looks like mongodb://user:password@host:27017/verdict?replicaSet=rs0, ` +
        'with what is not a letter or a digit in user and password percent-encoded.',
      // Without the cause: it may hold the whole URL.
    )
  }
}

const withoutCredentials = (text: string) => text.replace(/\/\/[^/\s]*@/g, '//…@')

/** The database that a URL names in its path. */
export function databaseOf(url: string): string {
  const name = /^[^:]+:\/\/[^/]*\/([^?]*)/.exec(url)?.[1] ?? ''
  return name === '' ? DATABASE : decodeURIComponent(name)
}
