import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ProxyOptions {
  /** Answer everything with this status instead of serving it. */
  readonly refuse?: number
  /** Take CONNECT and never answer it. */
  readonly hang?: boolean
}

/** A forward and CONNECT proxy on 127.0.0.1. Every host name leads to 127.0.0.1, so a test may use names of its own. */
export class TestProxy {
  readonly options: ProxyOptions
  /** Connections that clients have opened so far. */
  connections = 0
  /** What was asked for: `GET http://host:port/path` or `CONNECT host:port`. */
  readonly asked: string[] = []
  /** The Proxy-Authorization header of each of them. */
  readonly authorizations: (string | undefined)[] = []
  readonly #server = createServer((incoming, answer) => this.#forward(incoming, answer))
  readonly #sockets = new Set<Duplex>()

  constructor(options: ProxyOptions = {}) {
    this.options = options
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1
      this.#keep(socket)
    })
    this.#server.on('connect', (incoming: IncomingMessage, socket: Duplex) => this.#tunnel(incoming, socket))
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves with the next CONNECT's client socket. */
  async nextTunnel(): Promise<Duplex> {
    const [, socket] = await once(this.#server, 'connect')
    return socket
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    // A reset by either side is what some tests want.
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #note({ method, url, headers }: IncomingMessage): void {
    this.asked.push(`${method} ${url}`)
    this.authorizations.push(headers['proxy-authorization'])
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse): void {
    this.#note(incoming)
    if (this.options.refuse) {
      answer.writeHead(this.options.refuse).end('refused by the proxy')
      return
    }
    const { port, pathname, search } = new URL(incoming.url!)
    const { method, headers } = incoming
    const onward = request({ host: '127.0.0.1', port, method, headers, path: pathname + search }, (message) => {
      answer.writeHead(message.statusCode!, message.rawHeaders)
      answer.flushHeaders()
      message.on('error', () => answer.destroy()).pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }

  #tunnel(incoming: IncomingMessage, client: Duplex): void {
    this.#note(incoming)
    if (this.options.hang) {
      client.resume().once('end', () => client.end())
      return
    }
    if (this.options.refuse) {
      client.end(`HTTP/1.1 ${this.options.refuse} Refused\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const server = connect(Number(incoming.url!.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(server).pipe(client)
    })
    this.#keep(server)
    server.once('close', () => client.destroy())
    client.once('close', () => server.destroy())
  }
}
