import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { failure, SECRET, settlesWithin, TestServer } from './transport.server.ts'
import type { Open } from './transport.subject.ts'

/** Aborts, silences, breaks, and servers that are not there. */
export function failures(open: Open): void {
  it('ends a wait within 100 ms of the abort, and the server sees the connection close', async () => {
    const server = await TestServer.start(() => {})
    const { signal, abort } = abortable()
    const asked = server.nextRequest()
    const waiting = failure(open().send({ url: server.url(), signal }), 'aborted')
    const [request] = await asked
    const closed = once(request.socket, 'close')
    abort()
    expect(await settlesWithin(100, waiting)).toBe(true)
    expect(await waiting).toContain(`127.0.0.1:${server.port}`)
    await closed
  })

  it('sends nothing when aborted before', async () => {
    const server = await TestServer.start((_, answer) => answer.end())
    await failure(open().send({ url: server.url(), signal: AbortSignal.abort() }), 'aborted')
    expect(server.connections).toBe(0)
  })

  it('ends the reading of a body within 100 ms of the abort, and the server sees the connection close', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.write('first')
    })
    const { signal, abort } = abortable()
    const { body } = await open().send({ url: server.url(), signal })
    const closed = once(server.requests[0]!.socket, 'close')
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    const waiting = failure(chunks.next(), 'aborted')
    abort()
    expect(await settlesWithin(100, waiting)).toBe(true)
    await waiting
    await closed
  })

  it('never takes a body that was aborted before it was read for a whole one', async () => {
    const server = await TestServer.start((_, answer) => answer.end('all of it'))
    const { signal, abort } = abortable()
    const response = await open().send({ url: server.url(), signal })
    abort()
    await failure(response.text(), 'aborted')
  })

  it('leaves no listener on the signal of the caller', async () => {
    const server = await TestServer.start((_, answer) => answer.end('hello'))
    const { signal } = abortable()
    await (await open().send({ url: server.url(), signal })).text()
    await failure(open().send({ url: 'http://127.0.0.1:1/', signal }), 'unreachable')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('times out before the headers', async () => {
    const server = await TestServer.start(() => {})
    const message = await failure(open().send({ url: server.url(), timeoutMs: 50 }), 'timeout')
    expect(message).toBe(`127.0.0.1:${server.port} was silent for 50 ms`)
  })

  it('times out between two chunks of a body', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.write('first')
    })
    const { text } = await open().send({ url: server.url(), timeoutMs: 300 })
    await failure(text(), 'timeout')
  })

  it('does not take a slow reader for a silent server', async () => {
    const server = await TestServer.start((_, answer) => {
      answer.write('first', () => answer.end('second'))
    })
    const { body } = await open().send({ url: server.url(), timeoutMs: 500 })
    let read = ''
    for await (const chunk of body) {
      read += Buffer.from(chunk).toString()
      await delay(600)
    }
    expect(read).toBe('firstsecond')
  })

  it.each([
    ['before the headers', ''],
    ['in the middle of a body', 'first'],
  ])('reports a connection reset %s', async (_, begin) => {
    const server = await TestServer.start((request, answer) => {
      const reset = () => request.socket.resetAndDestroy()
      if (begin) answer.write(begin, () => setImmediate(reset))
      else reset()
    })
    const reading = open()
      .send({ url: server.url() })
      .then((response) => response.text())
    expect(await failure(reading, 'reset')).toContain(`127.0.0.1:${server.port}`)
  })

  it('reports a body shorter than its Content-Length', async () => {
    const server = await TestServer.start((request, answer) => {
      answer.writeHead(200, { 'content-length': '100' }).write('short', () => request.socket.end())
    })
    const reading = open()
      .send({ url: server.url() })
      .then((response) => response.text())
    await failure(reading, 'reset')
  })

  it('reports what is not HTTP', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await failure(open().send({ url: `http://127.0.0.1:${port}/` }), 'reset')
    server.close()
  })

  it('names host and port of a server that is not there, and what to check', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as { port: number }
    gone.close()
    await once(gone, 'close')
    const message = await failure(open().send({ url: `http://user:${SECRET}@127.0.0.1:${port}/` }), 'unreachable')
    expect(message).toContain(`127.0.0.1:${port} (ECONNREFUSED): check the address`)
    expect(message).toContain('HTTPS_PROXY')
  })

  it('names a host that is unknown, with the port meant', async () => {
    const message = await failure(open().send({ url: 'https://nowhere.invalid/' }), 'unreachable')
    expect(message).toMatch(/nowhere\.invalid:443 \((ENOTFOUND|EAI_AGAIN)\)/)
  })

  it.each(['', 'verdict.example', '/v1/runs', `ftp://user:${SECRET}@host/`])(
    'refuses the address "%s"',
    async (url) => {
      expect(await failure(open().send({ url }), 'unreachable')).toContain('not an http(s) address')
    },
  )

  it('refuses a header that HTTP does not allow without showing it', async () => {
    const server = await TestServer.start((_, answer) => answer.end())
    const headers = { authorization: `Bearer ${SECRET}\n` }
    expect(await failure(open().send({ url: server.url(), headers }), 'unreachable')).toContain(
      'a header or the address holds',
    )
  })
}

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
