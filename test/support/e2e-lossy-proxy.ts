import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A wire to a server on 127.0.0.1 that is cut the first time when the server answers a request that begins with `request`:
 * the server has done it, and the client never hears of it.
 */
export class LossyProxy {
  /** How many answers were lost, and how many such requests came. */
  lost = 0
  requests = 0
  readonly #request: string
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#serve(client))

  constructor(server: string, request: string) {
    this.#port = Number(new URL(server).port)
    this.#request = request
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1')
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    let cut = false
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes(this.#request)) {
        this.requests += 1
        cut = this.lost === 0
      }
      server.write(chunk)
    })
    server.on('data', (chunk: Buffer) => {
      if (!cut) return client.write(chunk)
      this.lost += 1
      client.resetAndDestroy()
      return server.destroy()
    })
  }
}
