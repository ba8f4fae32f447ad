import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What operators put before their API nodes: each new connection goes to the next node that takes it. */
export class Balancer {
  /** The nodes, ports on 127.0.0.1. */
  readonly ports: number[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#serve(client))
  #turn = 0

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

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #serve(client: Socket): void {
    this.#keep(client)
    const first = this.#turn++
    const dial = (tries: number): void => {
      if (tries === this.ports.length) return void client.destroy()
      const node = connect(this.ports[(first + tries) % this.ports.length] as number, '127.0.0.1')
      this.#keep(node)
      const refused = () => dial(tries + 1)
      node.once('error', refused)
      node.once('connect', () => {
        node.off('error', refused)
        client.pipe(node).pipe(client)
        node.once('close', () => client.destroy())
        client.once('close', () => node.destroy())
      })
    }
    dial(0)
  }
}
