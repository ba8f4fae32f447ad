import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SECRET, TestServer } from './transport.server.ts'
import type { Open } from './transport.subject.ts'

/** Statuses, headers and bodies. */
export function answers(open: Open): void {
  it.each([200, 201, 302, 400, 404, 429, 500, 503])(
    'resolves with status %i, and follows no redirect',
    async (status) => {
      const server = await TestServer.start((_, answer) => {
        answer.writeHead(status, { location: '/elsewhere' }).end(`status ${status}`)
      })
      const response = await open().send({ url: server.url('/here?a=1') })
      expect(response.status).toBe(status)
      expect(response.headers.location).toBe('/elsewhere')
      expect(await response.text()).toBe(`status ${status}`)
      expect(server.requests.map(({ url }) => url)).toEqual(['/here?a=1'])
    },
  )

  it('gives headers in lower case, repeated ones joined', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.writeHead(
        200,
        [
          ['X-Many', 'one'],
          ['x-many', 'two'],
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['Retry-After', '3'],
        ].flat(),
      )
      answer.end()
    })
    const { headers, text } = await open().send({ url: server.url() })
    expect(headers).toMatchObject({ 'x-many': 'one, two', 'set-cookie': 'a=1, b=2', 'retry-after': '3' })
    expect(await text()).toBe('')
  })

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
    ['GET', 202],
  ] as const)(
    'knows that the answer to %s with %i has no body, and frees the connection unread',
    async (method, status) => {
      const server = await TestServer.start((_, answer) => {
        // After HEAD, Node keeps a connection only if the answer has a length.
        const length = { 200: '5', 202: '0' }[status as number]
        answer.writeHead(status, { etag: '"1"', ...(length && { 'content-length': length }) }).end()
      })
      const { send } = open()
      const first = await send({ method, url: server.url() })
      expect([first.status, first.headers.etag]).toEqual([status, '"1"'])
      const second = await send({ method, url: server.url() })
      expect(await first.text()).toBe('')
      expect(await second.text()).toBe('')
      for (let more = 0; more < 3; more += 1) await send({ method, url: server.url() })
      expect(server.connections).toBeLessThan(5)
    },
  )

  it.each([
    ['a string', 'grün', '5'],
    ['an empty string', '', '0'],
    ['bytes', new Uint8Array([0x61, 0xff, 0x62]), '3'],
    ['300 kB', 'x'.repeat(300_000), '300000'],
  ])('sends %s with its Content-Length', async (_, body, length) => {
    const server = await TestServer.start((request, answer) => {
      request.pipe(answer)
    })
    const response = await open().send({ method: 'POST', url: server.url(), body, headers: { 'x-mine': 'yes' } })
    const received = []
    for await (const chunk of response.body) received.push(chunk)
    expect(Buffer.concat(received).equals(Buffer.from(body))).toBe(true)
    expect(server.requests[0]?.headers).toMatchObject({
      'content-length': length,
      'x-mine': 'yes',
      authorization: `Bearer ${SECRET}`,
    })
    expect(server.requests[0]?.headers).not.toHaveProperty('transfer-encoding')
  })

  it('resolves with an answer that comes before a large body is sent, and closes', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.writeHead(413, { connection: 'close' }).end('too large')
    })
    const response = await open().send({ method: 'PUT', url: server.url(), body: new Uint8Array(20_000_000) })
    expect(response.status).toBe(413)
    expect(await response.text()).toBe('too large')
  })

  it('does not take a body that is slow to be sent for silence', async () => {
    const server = await TestServer.start(async (request, answer) => {
      for await (const _ of request) await delay(2)
      answer.end('all of it')
    })
    const body = new Uint8Array(20_000_000)
    const response = await open().send({ method: 'PUT', url: server.url(), body, timeoutMs: 400 })
    expect(await response.text()).toBe('all of it')
  })

  it.each(['PUT', 'PATCH', 'DELETE'] as const)('sends %s with a body', async (method) => {
    const server = await TestServer.start(async (request, answer) => {
      answer.end(`${request.method} ${await text(request)}`)
    })
    const response = await open().send({ method, url: server.url(), body: 'hello' })
    expect(await response.text()).toBe(`${method} hello`)
  })

  it('reads text whose characters are split between chunks', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.write(Buffer.from([0xe2, 0x82]), () => answer.end(Buffer.from([0xac])))
    })
    expect(await (await open().send({ url: server.url() })).text()).toBe('€')
  })

  it('hands on chunks as they arrive, for server-sent events', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    })
    const asked = server.nextRequest()
    const { body } = await open().send({ url: server.url() })
    const [, answer] = await asked
    const chunks = body[Symbol.asyncIterator]()
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      answer.write(event)
      expect(Buffer.from((await chunks.next()).value).toString()).toBe(event)
    }
    answer.end()
    expect((await chunks.next()).done).toBe(true)
  })
}
