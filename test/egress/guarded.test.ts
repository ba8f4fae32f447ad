import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseAllowedCidrs } from '../../egress/addresses.ts'
import type { EgressRequest } from '../../egress/egress.ts'
import { type GuardedOptions, guardedEgress } from '../../egress/guarded.ts'
import { dnsResolver } from '../../egress/resolver.ts'
import { systemClock } from '../../server/clock.ts'
import { startDnsServer, type Zone } from '../support/dns-server.ts'
import { createAuthority, issue } from '../support/tls-certificates.ts'

const LOOPBACK = parseAllowedCidrs('127.0.0.0/8')

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}
const receiver = (listener: RequestListener) => listening(createServer(listener))
const raw = (answer: (socket: Socket) => void) =>
  listening(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => answer(socket))
    }),
  )

function egress(options: Partial<GuardedOptions> = {}) {
  const guarded = guardedEgress({ allowed: LOOPBACK, after: systemClock.after, ...options })
  onTestFinished(() => guarded.close())
  return (url: string, more: Partial<EgressRequest> = {}) =>
    guarded.send({ method: 'POST', url, headers: {}, body: '{}', timeoutMs: 10_000, ...more })
}

async function named(zone: Zone) {
  const dns = await startDnsServer(zone)
  onTestFinished(() => dns[Symbol.asyncDispose]())
  return { dns, resolve: dnsResolver([dns.address]) }
}

describe('a request to an address that a user chose', () => {
  it('sends the bytes that it is given, and answers status, headers and body', async () => {
    const port = await receiver((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        response.writeHead(207, { 'retry-after': '3', 'x-seen': String(request.headers['x-own']) })
        response.end(`${request.method} ${request.url} ${Buffer.concat(chunks)}`)
      })
    })
    const answer = await egress()(`http://127.0.0.1:${port}/a?b=c`, { body: '{"ü":1}', headers: { 'x-own': 'yes' } })
    expect(answer).toMatchObject({ status: 207, headers: { 'retry-after': '3', 'x-seen': 'yes' }, fromPrivate: true })
    expect(Buffer.from(answer.body).toString()).toBe('POST /a?b=c {"ü":1}')
  })

  it('reaches no private address that nobody allows, be it literal or the meaning of a name', async () => {
    let reached = 0
    const port = await receiver((_request, response) => {
      reached++
      response.end()
    })
    const { resolve } = await named(() => ['127.0.0.1'])
    const send = egress({ allowed: [], resolve })
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '2130706433', 'localhost']) {
      await expect(send(`https://${host}:${port}/`), host).rejects.toMatchObject({ code: 'refused' })
      await expect(send(`http://${host}:${port}/`), host).rejects.toMatchObject({ code: 'refused' })
    }
    await expect(send('https://hook.test/')).rejects.toMatchObject({
      code: 'refused',
      message: 'The address hook.test is private or reserved.',
    })
    expect(reached).toBe(0)
  })

  it.each([
    ['good and bad answers mixed', ['8.8.8.8', '10.0.0.1']],
    ['a bad IPv6 beside a good IPv4', ['8.8.8.8', 'fd00::1']],
    ['an IPv4-mapped loopback', ['0:0:0:0:0:ffff:7f00:1']],
    ['NAT64', ['64:ff9b::7f00:1']],
    ['6to4', ['2002:7f00:1::1']],
    ['metadata', ['169.254.169.254']],
  ])('is refused for a name with %s', async (_what, addresses) => {
    const { resolve } = await named(() => addresses)
    await expect(egress({ allowed: [], resolve })('https://hook.test/')).rejects.toMatchObject({ code: 'refused' })
  })

  it('is refused by http, or on another port, for a name that turns out to be public', async () => {
    const { resolve } = await named(() => ['8.8.8.8'])
    const send = egress({ resolve })
    for (const url of ['http://hook.test/', 'https://hook.test:8443/']) {
      await expect(send(url)).rejects.toMatchObject({ code: 'refused', message: /must be https on port 443/ })
    }
  })

  it('connects to the address that was checked, and asks once: a second answer of the name server never counts', async () => {
    const port = await receiver((_request, response) => response.end('ok'))
    const { dns, resolve } = await named((_name, nth) => (nth === 1 ? ['127.0.0.1'] : ['10.0.0.1']))
    const send = egress({ resolve })
    expect((await send(`http://hook.test:${port}/`)).status).toBe(200)
    expect(dns.asked).toEqual(['hook.test'])
  })

  it('checks anew at every new connection', async () => {
    const port = await receiver((_request, response) => {
      response.setHeader('connection', 'close')
      response.end('ok')
    })
    const { resolve } = await named((_name, nth) => (nth === 1 ? ['127.0.0.1'] : ['10.0.0.1']))
    const send = egress({ resolve })
    expect((await send(`http://hook.test:${port}/`)).status).toBe(200)
    await expect(send(`http://hook.test:${port}/`)).rejects.toMatchObject({ code: 'refused' })
  })

  it('looks a name up as it is meant: trailing dot and IDN', async () => {
    const port = await receiver((_request, response) => response.end('ok'))
    const { dns, resolve } = await named(() => ['127.0.0.1'])
    const send = egress({ resolve })
    expect((await send(`http://hook.test.:${port}/`)).status).toBe(200)
    expect((await send(`http://bücher.test:${port}/`)).status).toBe(200)
    expect(dns.asked).toEqual(['hook.test', 'xn--bcher-kva.test'])
  })

  it.each([301, 302, 303, 307, 308])('does not follow a %d', async (status) => {
    let second = 0
    const target = await receiver((_request, response) => {
      second++
      response.end()
    })
    const port = await receiver((_request, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${target}/` })
      response.end()
    })
    expect((await egress()(`http://127.0.0.1:${port}/`)).status).toBe(status)
    expect(second).toBe(0)
  })

  it('goes through no proxy of the environment', async () => {
    let proxied = 0
    const proxy = await listening(createTcpServer(() => proxied++))
    const port = await receiver((_request, response) => response.end('direct'))
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY']) {
      vi.stubEnv(name, `http://127.0.0.1:${proxy}`)
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { resolve } = await named(() => ['10.0.0.1'])
    const send = egress({ resolve })
    expect((await send(`http://127.0.0.1:${port}/`)).status).toBe(200)
    await expect(send('https://hook.test/')).rejects.toMatchObject({ code: 'refused' })
    expect(proxied).toBe(0)
  })

  it('reads 20 kB of an answer and hangs up on the rest', async () => {
    let written = 0
    const port = await receiver((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const more = () => {
        while (written < 1e9 && response.write(chunk)) written += chunk.length
      }
      response.on('drain', more)
      response.on('error', () => {})
      more()
    })
    const answer = await egress()(`http://127.0.0.1:${port}/`)
    expect(answer.body).toHaveLength(20_000)
    expect(written).toBeLessThan(100e6)
  })

  it('decompresses nothing', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000))
    const port = await receiver((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(bomb)
    })
    const answer = await egress()(`http://127.0.0.1:${port}/`)
    expect(Buffer.from(answer.body)).toEqual(bomb.subarray(0, 20_000))
  })

  it.each<[string, (socket: Socket) => void, string, RegExp]>([
    ['a reset', (socket) => socket.resetAndDestroy(), 'failed', /reset|broke off/],
    [
      'half an answer',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal'),
      'failed',
      /broke off/,
    ],
    ['no HTTP', (socket) => socket.end('SSH-2.0-OpenSSH\r\n\r\n'), 'failed', /not HTTP/],
    ['headers for ever', pourHeaders, 'failed', /headers/],
    ['nothing', () => {}, 'timeout', /within 0.3 s/],
    ['a body that never ends', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nx'), 'timeout', /within 0.3 s/],
  ])('tells in words of a receiver that answers with %s', async (_what, answer, code, says) => {
    const port = await raw(answer)
    const sending = egress()(`http://127.0.0.1:${port}/`, { timeoutMs: code === 'timeout' ? 300 : 10_000 })
    await expect(sending).rejects.toMatchObject({ name: 'EgressError', code, message: expect.stringMatching(says) })
  })

  it('tells in words that nobody listens, and that a name does not exist', async () => {
    const { resolve } = await named(() => undefined)
    const send = egress({ resolve })
    await expect(send('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'failed', message: /refused/ })
    await expect(send('https://hook.test/')).rejects.toMatchObject({ code: 'failed', message: /does not exist/ })
  })

  it('ends when the way out is closed', async () => {
    const guarded = guardedEgress({ allowed: LOOPBACK, after: systemClock.after })
    const port = await raw(() => void guarded.close())
    const request = { method: 'POST', url: `http://127.0.0.1:${port}/`, headers: {}, timeoutMs: 10_000 } as const
    await expect(guarded.send(request)).rejects.toMatchObject({ code: 'failed', message: /broken off here/ })
  })

  it('that was not sent when its time was over is not sent later', async () => {
    const seen: (string | undefined)[] = []
    const held: ServerResponse[] = []
    const port = await receiver((request, response) => {
      seen.push(request.url)
      held.push(response)
    })
    const send = egress()
    const first = Array.from({ length: 10 }, () => send(`http://127.0.0.1:${port}/first`))
    await expect.poll(() => held.length).toBe(10)
    await expect(send(`http://127.0.0.1:${port}/late`, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' })
    for (const response of held) response.end()
    await Promise.all(first)
    const last = send(`http://127.0.0.1:${port}/last`)
    await expect.poll(() => held.length).toBe(11)
    held[10]?.end()
    expect((await last).status).toBe(200)
    expect(seen).not.toContain('/late')
  })

  it('is answered by the last of several statuses', async () => {
    const port = await receiver((_request, response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.writeHead(201, { 'retry-after': '1' }).end('done')
    })
    const answer = await egress()(`http://127.0.0.1:${port}/`)
    expect(answer).toMatchObject({ status: 201, headers: { 'retry-after': '1' } })
    expect(answer.headers.link).toBeUndefined()
  })

  it('trusts a certificate for the name that was asked for, and no other', async () => {
    const authority = createAuthority('test')
    const port = await listening(
      createTlsServer(issue(authority, ['hook.test']), (_request, response) => response.end()),
    )
    const { resolve } = await named(() => ['127.0.0.1'])
    const trusting = egress({ resolve, ca: authority.cert })
    expect((await trusting(`https://hook.test:${port}/`)).status).toBe(200)
    await expect(trusting(`https://other.test:${port}/`)).rejects.toMatchObject({ message: /certificate/ })
    await expect(egress({ resolve })(`https://hook.test:${port}/`)).rejects.toMatchObject({ message: /certificate/ })
  })

  it('names no query and no password in a message', async () => {
    const send = egress({ allowed: [] })
    await expect(send('https://user:hunter2@127.0.0.1/?token=hunter3')).rejects.toMatchObject({
      message: expect.not.stringMatching(/hunter/),
    })
  })
})

function pourHeaders(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n')
  const more = () => {
    while (!socket.destroyed && socket.write(`x-header: ${'x'.repeat(1000)}\r\n`));
  }
  socket.on('drain', more)
  more()
}
