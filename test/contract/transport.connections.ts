import { once } from 'node:events'
import { expect, it } from 'vitest'
import { failure, TestServer } from './transport.server.ts'
import type { Open } from './transport.subject.ts'

/** How connections are kept, found closed, and let go. */
export function connections(open: Open): void {
  it('sends two requests by one connection', async () => {
    const server = await TestServer.start((_, answer) => answer.end('hello'))
    const { send } = open()
    expect(await (await send({ url: server.url() })).text()).toBe('hello')
    expect(await (await send({ method: 'POST', url: server.url(), body: 'x' })).text()).toBe('hello')
    expect(server.connections).toBe(1)
  })

  it('ends idle connections by close, lets those in use be, and goes on working', async () => {
    const server = await TestServer.start((request, answer) => {
      if (request.url === '/slow') answer.writeHead(200).flushHeaders()
      else answer.end('hello')
    })
    const { send, transport } = open()
    const asked = server.nextRequest()
    const slow = await send({ url: server.url('/slow') })
    const [, slowAnswer] = await asked
    await (await send({ url: server.url() })).text()
    const idle = server.requests[1]!.socket
    transport.close()
    await once(idle, 'close')
    slowAnswer.end('at last')
    expect(await slow.text()).toBe('at last')
    expect(await (await send({ url: server.url() })).text()).toBe('hello')
  })

  /** Answers the first request of a connection, and closes on the second as a server does whose patience just ended. */
  function startImpatient(): Promise<TestServer> {
    const seen = new Set<unknown>()
    return TestServer.start((request, answer) => {
      if (seen.has(request.socket)) request.socket.destroy()
      else {
        seen.add(request.socket)
        request.resume().on('end', () => answer.end('hello'))
      }
    })
  }

  it.each(['GET', 'PUT', 'DELETE'] as const)('repeats %s where a kept connection turns out closed', async (method) => {
    const server = await startImpatient()
    const { send } = open()
    const body = method === 'PUT' ? 'content' : undefined
    for (let time = 0; time < 3; time += 1) {
      expect(await (await send({ method, url: server.url(), body })).text()).toBe('hello')
    }
    expect(server.connections).toBe(3)
  })

  it.each(['POST', 'PATCH'] as const)(
    'reports reset, for the caller to decide, where that happens to %s',
    async (method) => {
      const server = await startImpatient()
      const { send } = open()
      await (await send({ method, url: server.url(), body: 'x' })).text()
      await failure(send({ method, url: server.url(), body: 'x' }), 'reset')
      expect(server.requests).toHaveLength(2)
    },
  )

  it('does not repeat what failed on a fresh connection', async () => {
    const server = await TestServer.start((request) => request.socket.destroy())
    await failure(open().send({ url: server.url() }), 'reset')
    expect(server.requests).toHaveLength(1)
  })

  it('uses a new connection after the server ended an idle one', async () => {
    const server = await TestServer.start((_, answer) => answer.end('hello'))
    const { send } = open()
    await (await send({ url: server.url() })).text()
    server.requests[0]!.socket.end()
    expect(await (await send({ url: server.url() })).text()).toBe('hello')
    expect(server.connections).toBe(2)
  })

  it('drops the connection when the reader leaves early', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.write('first')
    })
    const { body } = await open().send({ url: server.url() })
    const closed = once(server.requests[0]!.socket, 'close')
    for await (const chunk of body) {
      expect(Buffer.from(chunk).toString()).toBe('first')
      break
    }
    await closed
  })
}
