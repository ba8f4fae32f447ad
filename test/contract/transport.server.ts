import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { TransportError, type TransportFailure } from '../../transport/transport.ts'
import { type ProxyOptions, TestProxy } from '../support/proxy.ts'
import type { Identity } from '../support/tls-certificates.ts'

/** Sent with every request of these tests, and never to be seen in an error. */
export const SECRET = 'vdt_secret_of_the_tests'

/** A real server on 127.0.0.1 that ends with the test. */
export class TestServer {
  connections = 0
  readonly requests: IncomingMessage[] = []
  readonly #server: Server
  readonly #scheme: string

  private constructor(handler: RequestListener, identity?: Identity) {
    this.#scheme = identity ? 'https' : 'http'
    this.#server = identity ? createSecureServer(identity, handler) : createServer(handler)
    this.#server.on('connection', () => {
      this.connections += 1
    })
    this.#server.on('request', (request: IncomingMessage) => this.requests.push(request))
  }

  static async start(handler: RequestListener, identity?: Identity): Promise<TestServer> {
    const server = new TestServer(handler, identity)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    onTestFinished(() => server.close())
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  url(path = '/', host = '127.0.0.1'): string {
    return `${this.#scheme}://${host}:${this.port}${path}`
  }

  /** Resolves with the next request and its answer-to-be. */
  async nextRequest(): Promise<[IncomingMessage, ServerResponse]> {
    const [request, response] = await once(this.#server, 'request')
    return [request, response]
  }

  async nextConnection(): Promise<Socket> {
    const [socket] = await once(this.#server, 'connection')
    return socket
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export async function startProxy(options?: ProxyOptions): Promise<TestProxy> {
  const proxy = await new TestProxy(options).listen()
  onTestFinished(() => proxy.close())
  return proxy
}

/** Expects `work` to fail in that way, without a word of the secret anywhere in the error, and gives its message. */
export async function failure(work: Promise<unknown>, expected: TransportFailure): Promise<string> {
  const error = await work.then(
    () => expect.unreachable('it was to fail'),
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(TransportError)
  expect(error).toMatchObject({ failure: expected })
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
  return (error as TransportError).message
}

/** Resolves with true as soon as `work` settles, with false when that takes longer than `milliseconds`. */
export function settlesWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds)
    const settled = () => {
      clearTimeout(timer)
      resolve(true)
    }
    work.then(settled, settled)
  })
}
