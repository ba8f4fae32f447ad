// The ceilings, as a program: a bare Fastify route that does just the insert (durably), and one that does just the digest,
// the look-up and the signature, and one that does just the check of a token. What Verdict does besides is what the ratio shows.
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'

const db = new DatabaseSync(join(mkdtempSync(join(tmpdir(), 'verdict-ceiling-')), 'ceiling.db'))
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
db.exec('CREATE TABLE runs (id TEXT PRIMARY KEY, data TEXT); CREATE TABLE keys (digest TEXT PRIMARY KEY, user TEXT)')
const insert = db.prepare('INSERT INTO runs VALUES (?, ?)')
const find = db.prepare('SELECT user FROM keys WHERE digest = ?')
const { privateKey, publicKey } = await generateKeyPair('ES256')
const filler = 'x'.repeat(1500)

const app = Fastify()
await app.register(formbody)
app.post('/runs', async (_request, reply) => {
  const id = randomUUID()
  insert.run(id, filler)
  return reply.code(202).send({ id, data: filler })
})
app.post('/token', async (request) => {
  const { subject_token: key } = request.body as { subject_token: string }
  find.get(createHash('sha256').update(key).digest('hex'))
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
process.on('SIGTERM', () => process.exit(0))
