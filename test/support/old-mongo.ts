import { createServer, type Socket } from 'node:net'
import { BSON } from 'mongodb'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

/** Speaks just enough of MongoDB's wire protocol to say how old it is. */
export async function startOldMongo(maxWireVersion: number): Promise<{ url: string; stop(): Promise<void> }> {
  const hello = { ok: 1, isWritablePrimary: true, helloOk: true, minWireVersion: 0, maxWireVersion, setName: 'rs0' }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    let read = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      while (read.length >= 16 && read.length >= read.readInt32LE(0)) {
        const message = read.subarray(0, read.readInt32LE(0))
        read = read.subarray(message.length)
        const { port } = server.address() as { port: number }
        socket.write(answer(message, { ...hello, hosts: [`127.0.0.1:${port}`], me: `127.0.0.1:${port}` }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `mongodb://127.0.0.1:${port}/verdict?directConnection=true`,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
function answer(message: Buffer, hello: object): Buffer {
  const body = Buffer.from(BSON.serialize(hello))
  const isQuery = message.readInt32LE(12) === OP_QUERY
  const head = Buffer.alloc(isQuery ? 36 : 21)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(message.readInt32LE(4), 8)
  head.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12)
  if (isQuery) head.writeInt32LE(1, 32)
  return Buffer.concat([head, body])
}
