// The ceilings, as a program: a bare Fastify route that does just the insert (durably), and one that does just the digest,
// the look-up and the signature, and one that does just the check of a token. What Verdict does besides is what the ratio
// shows. With MONGODB_URL it does the same there, by the bare driver.
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { MongoClient } from 'mongodb'

interface BareStore {
  insertRun(id: string, data: string): unknown
  findKey(digest: string): unknown
  close(): unknown
}

function sqlite(): BareStore {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-ceiling-'))
  const db = new DatabaseSync(join(folder, 'ceiling.db'))
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('CREATE TABLE runs (id TEXT PRIMARY KEY, data TEXT); CREATE TABLE keys (digest TEXT PRIMARY KEY, user TEXT)')
  const insert = db.prepare('INSERT INTO runs VALUES (?, ?)')
  const find = db.prepare('SELECT user FROM keys WHERE digest = ?')
  return {
    insertRun: (id, data) => insert.run(id, data),
    findKey: (digest) => find.get(digest),
    close() {
      db.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Connections and write concern as the server has them (server/store/mongo/connection.ts). */
async function mongodb(url: string): Promise<BareStore> {
  const client = new MongoClient(url, { maxPoolSize: 50, writeConcern: { w: 'majority', wtimeoutMS: 10_000 } })
  const runs = client.db().collection<{ _id: string; data: string }>('runs')
  const keys = client.db().collection<{ digest: string }>('keys')
  await keys.createIndex({ digest: 1 }, { unique: true })
  return {
    insertRun: (_id, data) => runs.insertOne({ _id, data }),
    findKey: (digest) => keys.findOne({ digest }),
    close: () => client.close(),
  }
}

const { MONGODB_URL } = process.env
const store = MONGODB_URL === undefined ? sqlite() : await mongodb(MONGODB_URL)
const { privateKey, publicKey } = await generateKeyPair('ES256')
const filler = 'x'.repeat(1500)

const app = Fastify()
await app.register(formbody)
app.post('/runs', async (_request, reply) => {
  const id = randomUUID()
  await store.insertRun(id, filler)
  return reply.code(202).send({ id, data: filler })
})
app.post('/token', async (request) => {
  const { subject_token: key } = request.body as { subject_token: string }
  await store.findKey(createHash('sha256').update(key).digest('hex'))
  const seconds = Math.floor(Date.now() / 1000)
  const claims = {
    sub: 'user',
    client_id: 'key',
    scope: 'runs:read',
    iat: seconds,
    exp: seconds + 900,
    jti: randomUUID(),
  }
  return {
    access_token: await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).sign(privateKey),
  }
})
app.get('/runs/:id', async (request, reply) => {
  const token = request.headers.authorization?.slice(7) ?? ''
  await jwtVerify(token, publicKey, { algorithms: ['ES256'], typ: 'at+jwt' })
  return reply.send({ data: filler })
})
console.log(`ceiling is at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
process.once('SIGTERM', async () => {
  await store.close()
  process.exit(0)
})
