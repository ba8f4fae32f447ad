import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packedTree } from '../support/packed-tree.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { handWorker } from './hand-worker.ts'
import { newPerson, type Person } from './people.ts'

let server: TestServer
let person: Person
let other: Person
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ARCHIVE_MAX_BYTES: '100 kB' } })
  person = await newPerson(server)
  other = await newPerson(server)
})
afterAll(() => server?.stop())

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const put = (
  bytes: Uint8Array,
  { digest = sha256(bytes), token = person.token, type = 'application/gzip', of = server } = {},
) =>
  of.request('PUT', `/v1/archives/${digest}`, {
    token,
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': type },
  })
const head = (digest: string, token = person.token) => server.request('HEAD', `/v1/archives/${digest}`, { token })

/** A tar.gz of entries as nobody honest would write them. */
async function tarOf(...headers: (Partial<tar.Header> & { name: string; content?: string })[]): Promise<Uint8Array> {
  const pack = tar.pack()
  for (const { content = '', ...header } of headers) pack.entry(header, content)
  pack.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of pack) chunks.push(chunk as Buffer)
  return gzipSync(Buffer.concat(chunks))
}

/** A tar.gz of one file of 1.1 GB of zeros: gzip members may follow each other, so one small member stands for all. */
async function bomb(): Promise<Uint8Array> {
  const pack = tar.pack()
  pack.entry({ name: 'zeros', size: 1_100_000_000 })
  const { value: header } = await pack[Symbol.asyncIterator]().next()
  const member = gzipSync(Buffer.alloc(11_000_000))
  return Buffer.concat([gzipSync(header), ...Array(100).fill(member), gzipSync(Buffer.alloc(2048))])
}

describe('an archive', () => {
  it('is kept, may be sent again, and is seen in its workspace only', async () => {
    const bytes = await packedTree({ 'a.txt': 'hello' })
    const digest = sha256(bytes)
    expect((await head(digest)).status).toBe(404)
    for (let i = 0; i < 2; i++) {
      const answer = await put(bytes)
      expect([answer.status, answer.json]).toEqual([200, { sha256: digest, bytes: bytes.length }])
    }
    expect((await head(digest)).status).toBe(200)
    expect((await head(digest, other.token)).status).toBe(404)
    const json = { suite: 'x', definition: { run: 'true', archive: digest } }
    const stranger = await server.request('POST', '/v1/runs', { token: other.token, json })
    expect([stranger.status, stranger.json.code]).toEqual([422, 'archive_missing'])
    expect(stranger.json.detail).toContain(digest)
    expect((await server.request('POST', '/v1/runs', { token: person.token, json })).status).toBe(202)
  })

  it('counts by its files: the same files packed otherwise are the same suite', async () => {
    const one = await tarOf({ name: 'a', content: '1', mtime: new Date(0) }, { name: 'b', content: '2' })
    const two = await tarOf({ name: 'b', content: '2' }, { name: 'a', content: '1', mtime: new Date(1e12) })
    expect(sha256(one)).not.toBe(sha256(two))
    const digests = []
    for (const bytes of [one, two]) {
      await put(bytes)
      const json = { suite: 'same', definition: { run: 'true', archive: sha256(bytes) } }
      digests.push((await server.request('POST', '/v1/runs', { token: person.token, json })).json.source.digest)
    }
    expect(digests[0]).toBe(digests[1])
  })

  it.each<[string, () => Promise<Uint8Array> | Uint8Array, object, number, string, RegExp]>([
    ['another digest', () => packedTree({ a: '1' }), { digest: 'a'.repeat(64) }, 422, 'archive_invalid', /SHA-256/],
    ['a digest that is none', () => packedTree({ a: '1' }), { digest: 'abc' }, 400, 'invalid_request', /64/],
    [
      'a digest in capitals',
      () => packedTree({ a: '1' }),
      { digest: 'A'.repeat(64) },
      400,
      'invalid_request',
      /lower-case/,
    ],
    [
      'another content type',
      () => packedTree({ a: '1' }),
      { type: 'text/plain' },
      415,
      'unsupported_media_type',
      /Content-Type/,
    ],
    ['no bytes', () => new Uint8Array(), {}, 422, 'archive_invalid', /refused/],
    ['bytes that are no gzip', () => Buffer.from('hello, I am no archive'), {}, 422, 'archive_invalid', /refused/],
    ['gzip that is no tar', () => gzipSync('x'.repeat(2000)), {}, 422, 'archive_invalid', /refused/],
    [
      'a cut-off end',
      async () => (await packedTree({ a: 'x'.repeat(500) })).slice(0, -20),
      {},
      422,
      'archive_invalid',
      /refused/,
    ],
    ['a path that climbs out', () => tarOf({ name: '../a', content: 'x' }), {}, 422, 'archive_invalid', /\.\./],
    ['an absolute path', () => tarOf({ name: '/etc/passwd', content: 'x' }), {}, 422, 'archive_invalid', /etc/],
    [
      'a link out of the tree',
      () => tarOf({ name: 'a', type: 'symlink', linkname: '../../x' }),
      {},
      422,
      'archive_invalid',
      /a/,
    ],
    [
      'a hard link',
      () => tarOf({ name: 'b', content: 'x' }, { name: 'a', type: 'link', linkname: 'b' }),
      {},
      422,
      'archive_invalid',
      /a/,
    ],
    [
      'a device',
      () => tarOf({ name: 'zero', type: 'character-device', devmajor: 1, devminor: 5 }),
      {},
      422,
      'archive_invalid',
      /zero/,
    ],
    ['a pipe', () => tarOf({ name: 'pipe', type: 'fifo' }), {}, 422, 'archive_invalid', /pipe/],
  ])('is refused with %s', async (_what, make, more, status, code, says) => {
    const bytes = await make()
    const answer = await put(bytes, more)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.json.detail).toMatch(says)
    expect((await head(sha256(bytes))).status).toBe(404)
  })

  it('is refused above the limit, whether it says so or not', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000))
    const large = Buffer.concat([bytes, bytes])
    const said = await put(large)
    expect([said.status, said.json.code]).toEqual([413, 'too_large'])
    const streamed = await fetch(`${server.url}/v1/archives/${sha256(large)}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${person.token}`, 'content-type': 'application/gzip' },
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(streamed.status).toBe(413)
    expect(((await streamed.json()) as { detail: string }).detail).toContain('100000 bytes')
    expect((await head(sha256(large))).status).toBe(404)
  })

  it('that unpacks to more than a gigabyte is refused, however small it is', async () => {
    const roomy = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    const bytes = await bomb()
    expect(bytes.length).toBeLessThan(10_000_000)
    const answer = await put(bytes, { of: roomy, token: await roomy.token() })
    expect([answer.status, answer.json.code]).toEqual([422, 'archive_invalid'])
    await roomy.stop()
  })

  it('is refused when the disk is nearly full', async () => {
    const full = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_MIN_FREE_BYTES: '999999 TB' } })
    const answer = await put(await packedTree({ a: '1' }), { of: full, token: await full.token() })
    expect([answer.status, answer.json.code]).toEqual([507, 'disk_full'])
    expect(answer.headers.get('retry-after')).toBe('60')
    await full.stop()
  })

  it('is refused over the quota of the workspace, and leaves nothing behind', async () => {
    const crowded = await newPerson(server)
    const db = new DatabaseSync(`${server.dataDir}/verdict.db`)
    db.prepare('INSERT INTO archives VALUES (?, ?, 5000000000, ?, 0, 0, 0)').run(crowded.workspace, 'f'.repeat(64), 'x')
    db.close()
    const bytes = await packedTree({ a: 'quota' })
    const answer = await put(bytes, { token: crowded.token })
    expect([answer.status, answer.json.code]).toEqual([507, 'archive_quota'])
    expect(answer.json.detail).toContain('5 GB')
    expect((await put(bytes)).status).toBe(200)
  })

  it('that is refused takes no equal bytes of others with it', async () => {
    const bytes = Buffer.from('the text of an artifact')
    const json = { suite: 'leaves', definition: { run: 'true', artifacts: 'a.txt' } }
    const run = (await server.request('POST', '/v1/runs', { token: other.token, json })).json.id
    const worker = handWorker(server)
    const job = await worker.claim(run)
    await worker.work.artifact(job.lease, 'a.txt', Readable.from([bytes]))
    expect((await put(bytes)).json.code).toBe('archive_invalid')
    const artifact = await server.request('GET', `/v1/runs/${run}/artifacts/a.txt`, { token: other.token })
    expect([artifact.status, artifact.text]).toEqual([200, 'the text of an artifact'])
  })
})
