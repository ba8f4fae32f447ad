import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join, resolve } from 'node:path'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { createAuthority, issue } from '../support/tls-certificates.ts'
import { failure, settlesWithin, startProxy, TestServer } from './transport.server.ts'
import type { Adapter, Open } from './transport.subject.ts'

// No resolver knows it: only a proxy of ours leads there.
const HOST = 'verdict.test'

/** Proxies by environment, and certificates. */
export function proxies(open: Open, adapter: Adapter): void {
  const authority = createAuthority('Verdict test CA')
  const identity = issue(authority, [HOST])
  const stranger = issue(createAuthority('A stranger'), [HOST])
  const [trusted] = [getCACertificates('default')]
  // The same certificates that NODE_EXTRA_CA_CERTS would add, which takes a process of its own (see below).
  beforeAll(() => setDefaultCACertificates([...trusted, authority.cert]))
  afterAll(() => setDefaultCACertificates(trusted))

  const hello = (secure: boolean) => TestServer.start((_, answer) => answer.end('hello'), secure ? identity : undefined)

  describe.each([
    ['http', false],
    ['https', true],
  ] as const)('%s targets', (scheme, secure) => {
    it.each([`${scheme}_proxy`, `${scheme}_proxy`.toUpperCase()])('go through the proxy of %s', async (variable) => {
      const [server, proxy] = [await hello(secure), await startProxy()]
      const response = await open({ [variable]: proxy.url }).send({ url: server.url('/a?b=1', HOST) })
      expect(await response.text()).toBe('hello')
      const asked = secure ? `CONNECT ${HOST}:${server.port}` : `GET ${server.url('/a?b=1', HOST)}`
      expect(proxy.asked).toEqual([asked])
      expect(server.requests[0]?.url).toBe('/a?b=1')
      expect(server.requests[0]?.headers.host).toBe(`${HOST}:${server.port}`)
    })

    it('share one connection, and the proxy learns its password and nothing of ours', async () => {
      const [server, proxy] = [await hello(secure), await startProxy()]
      const address = proxy.url.replace('//', '//user:p%40ss@')
      const { send } = open({ HTTPS_PROXY: address, HTTP_PROXY: address })
      for (const method of ['GET', 'POST', 'PUT', 'GET'] as const) {
        const body = method === 'POST' || method === 'PUT' ? 'x'.repeat(100_000) : undefined
        await (await send({ method, url: server.url('/', HOST), body })).text()
      }
      expect(proxy.connections).toBe(1)
      expect(server.requests).toHaveLength(4)
      expect(proxy.asked).toHaveLength(secure ? 1 : 4)
      expect(new Set(proxy.authorizations)).toEqual(new Set([`Basic ${btoa('user:p@ss')}`]))
      if (secure) expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    })

    it('go through a proxy that speaks TLS, by the name in its own certificate', async () => {
      const [server, proxy] = [await hello(secure), await startProxy()]
      const front = createTlsServer(issue(authority, ['proxy.test']), (client) => {
        const onward = connect(Number(new URL(proxy.url).port), '127.0.0.1')
        client
          .on('error', () => onward.destroy())
          .pipe(onward)
          .pipe(client)
        onward.on('error', () => client.destroy())
      }).listen(0, '127.0.0.1')
      onTestFinished(() => void front.close())
      await once(front, 'listening')
      const address = `https://127.0.0.1:${(front.address() as AddressInfo).port}`
      const { send } = open({ [`${scheme}_proxy`]: address })
      expect(await (await send({ url: server.url('/', HOST) })).text()).toBe('hello')
      expect(proxy.asked).toHaveLength(1)
    })

    it('arrive as they are sent', async () => {
      const handler = (_: unknown, answer: { flushHeaders(): void }) => answer.flushHeaders()
      const server = await TestServer.start(handler, secure ? identity : undefined)
      const proxy = await startProxy()
      const asked = server.nextRequest()
      const { body } = await open({ [`${scheme}_proxy`]: proxy.url }).send({ url: server.url('/', HOST) })
      const [, answer] = await asked
      const chunks = body[Symbol.asyncIterator]()
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        answer.write(event)
        expect(Buffer.from((await chunks.next()).value).toString()).toBe(event)
      }
      const closed = once(server.requests[0]!.socket, 'close')
      await chunks.return?.()
      await closed
    })

    it('report a connection that breaks in the middle of a body', async () => {
      const handler = (request: IncomingMessage, answer: ServerResponse) =>
        void answer.write('first', () => setImmediate(() => request.socket.destroy()))
      const server = await TestServer.start(handler, secure ? identity : undefined)
      const { send } = open({ [`${scheme}_proxy`]: (await startProxy()).url })
      const reading = send({ url: server.url('/', HOST) }).then((response) => response.text())
      await failure(reading, 'reset')
    })

    it.each([HOST, HOST.toUpperCase(), 'test', '.test', `other.example, ${HOST}`])(
      'obey NO_PROXY=%s',
      async (exempt) => {
        const proxy = await startProxy()
        const { send } = open({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: exempt })
        // That it tries to find the host by itself is what shows it.
        expect(await failure(send({ url: `${scheme}://${HOST}/` }), 'unreachable')).toContain(HOST)
        expect(proxy.connections).toBe(0)
      },
    )

    it('report a proxy that asks for a password', async () => {
      const proxy = await startProxy({ refuse: 407 })
      const address = proxy.url.replace('//', '//user:hidden@')
      const { send } = open({ [`${scheme}_proxy`]: address })
      const message = await failure(send({ url: `${scheme}://${HOST}/` }), 'proxy')
      expect(message).toContain(`the proxy ${new URL(proxy.url).host} answered 407`)
      expect(message).toContain('HTTPS_PROXY')
      expect(message).not.toContain('hidden')
    })

    it('report a proxy that is not there', async () => {
      const { send } = open({ [`${scheme}_proxy`]: 'http://127.0.0.1:1' })
      const message = await failure(send({ url: `${scheme}://${HOST}/` }), 'proxy')
      expect(message).toContain('the proxy 127.0.0.1:1 could not be reached (ECONNREFUSED)')
    })

    it('report a proxy setting that is no http(s) proxy, without its password', async () => {
      const { send } = open({ [`${scheme}_proxy`]: 'socks5://user:hidden@127.0.0.1:1' })
      expect(await failure(send({ url: `${scheme}://${HOST}/` }), 'proxy')).not.toContain('hidden')
    })
  })

  it('reports a proxy that refuses the tunnel, and one that does not get through', async () => {
    const [forbidding, failing] = [await startProxy({ refuse: 403 }), await startProxy({ refuse: 502 })]
    const url = `https://${HOST}/`
    expect(await failure(open({ HTTPS_PROXY: forbidding.url }).send({ url }), 'proxy')).toContain('answered 403')
    expect(await failure(open({ HTTPS_PROXY: failing.url }).send({ url }), 'unreachable')).toContain('answered 502')
  })

  it('keeps http and https targets apart behind one proxy', async () => {
    const [plain, secure, proxy] = [await hello(false), await hello(true), await startProxy()]
    const { send } = open({ HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url })
    for (const server of [plain, secure, plain, secure]) {
      expect(await (await send({ url: server.url('/', HOST) })).text()).toBe('hello')
    }
    expect(proxy.connections).toBe(2)
  })

  it('ends a wait for the tunnel within 100 ms of the abort, and the proxy sees the connection close', async () => {
    const proxy = await startProxy({ hang: true })
    const controller = new AbortController()
    const asked = proxy.nextTunnel()
    const { send } = open({ HTTPS_PROXY: proxy.url })
    const waiting = failure(send({ url: `https://${HOST}/`, signal: controller.signal }), 'aborted')
    const closed = once(await asked, 'close')
    controller.abort()
    expect(await settlesWithin(100, waiting)).toBe(true)
    await waiting
    await closed
  })

  it('sends two https requests by one connection', async () => {
    const server = await hello(true)
    const { send } = open()
    for (let time = 0; time < 2; time += 1) expect(await (await send({ url: server.url() })).text()).toBe('hello')
    expect(server.connections).toBe(1)
  })

  it.each(['directly', 'through a proxy'])('refuses a certificate that nobody vouches for, %s', async (way) => {
    const server = await TestServer.start((_, answer) => answer.end(), stranger)
    const env: Record<string, string> = way === 'directly' ? {} : { HTTPS_PROXY: (await startProxy()).url }
    const url = server.url('/', way === 'directly' ? '127.0.0.1' : HOST)
    expect(await failure(open(env).send({ url }), 'tls')).toContain('NODE_EXTRA_CA_CERTS')
    expect(server.requests).toEqual([])
  })

  it('refuses a certificate for another name, and a port that does not speak https', async () => {
    const [server, plain, proxy] = [await hello(true), await hello(false), await startProxy()]
    const { send } = open({ HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' })
    expect(await failure(send({ url: server.url('/', 'other.test') }), 'tls')).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
    await failure(send({ url: plain.url().replace('http:', 'https:') }), 'tls')
  })

  it('trusts what NODE_EXTRA_CA_CERTS names, and lets the process end without a close', async () => {
    const [server, proxy] = [await hello(true), await startProxy()]
    const folder = temporaryFolder('verdict-tls-')
    const file = join(folder, 'ca.pem')
    await writeFile(file, authority.cert)
    const get = async (url: string, env: Record<string, string>) => {
      const args = ['test/support/tls-child.ts', resolve(adapter.module), adapter.constructorName, url]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 20_000 })
      return JSON.parse(stdout)
    }
    const trusting = { NODE_EXTRA_CA_CERTS: file, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }
    expect(await get(server.url(), {})).toMatchObject({ failure: 'tls' })
    expect(await get(server.url(), trusting)).toEqual({ status: 200, text: 'hello' })
    expect(await get(server.url('/', HOST), trusting)).toEqual({ status: 200, text: 'hello' })
    expect(proxy.asked).toEqual([`CONNECT ${HOST}:${server.port}`])
  })
}
