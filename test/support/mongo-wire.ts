import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A wire to a MongoDB server on which answers can be held back: so a test sees which connections are busy, and a process that
 * asked something is, until they are let go, one that stands still.
 */
export class MongoWire {
  readonly #to: URL
  readonly #sockets = new Set<Socket>()
  readonly #held = new Map<Socket, Buffer[]>()
  #request: string | undefined
  readonly #server = createServer((client) => this.#serve(client))

  /** `url`: of a database, `mongodb://`, whose first host is asked. */
  constructor(url: string) {
    this.#to = new URL(url)
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  /** The address of the database over this wire. */
  get url(): string {
    const url = new URL(this.#to)
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    url.searchParams.delete('replicaSet')
    url.searchParams.set('directConnection', 'true')
    return url.href
  }

  /** From here on a connection gets no more answers once it sent a request with this text. */
  hold(request: string): void {
    this.#request = request
  }

  /** How many connections wait for answers that are held back. */
  get held(): number {
    return this.#held.size
  }

  letGo(): void {
    this.#request = undefined
    for (const [client, chunks] of this.#held) for (const chunk of chunks) client.write(chunk)
    this.#held.clear()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(client: Socket): void {
    const server = connect(Number(this.#to.port || 27017), this.#to.hostname)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#held.delete(client)
        client.destroy()
        server.destroy()
      })
    }
    client.on('data', (chunk: Buffer) => {
      if (this.#request !== undefined && chunk.includes(this.#request) && !this.#held.has(client))
        this.#held.set(client, [])
      server.write(chunk)
    })
    server.on('data', (chunk: Buffer) => {
      const held = this.#held.get(client)
      if (held) held.push(chunk)
      else client.write(chunk)
    })
  }
}
