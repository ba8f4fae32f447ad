import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'

/** What a name means now; called for every question, so that answers can change from look-up to look-up. */
export type Zone = (name: string, nth: number) => readonly string[] | undefined

/** A small DNS server on loopback (RFC 1035), for A and AAAA. What the zone does not know does not exist. */
export async function startDnsServer(zone: Zone) {
  const asked: string[] = []
  const counts = new Map<string, number>()
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => {
    const labels: string[] = []
    let at = 12
    while (message[at] !== 0) {
      const length = message[at]!
      labels.push(message.subarray(at + 1, at + 1 + length).toString('latin1'))
      at += 1 + length
    }
    const name = labels.join('.').toLowerCase()
    const type = message.readUInt16BE(at + 1)
    const question = message.subarray(12, at + 5)
    if (type === 1) {
      asked.push(name)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const known = zone(name, counts.get(name) ?? 1)
    const family = type === 1 ? 4 : type === 28 ? 6 : 0
    const answers = (known ?? []).filter((address) => isIP(address) === family)
    const header = Buffer.alloc(12)
    message.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8580 | (known ? 0 : 3), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(answers.length, 6)
    const records = answers.map((address) => {
      const data = addressBytes(address)
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc00c, 0)
      record.writeUInt16BE(type, 2)
      record.writeUInt16BE(1, 4)
      record.writeUInt16BE(data.length, 10)
      return Buffer.concat([record, data])
    })
    socket.send(Buffer.concat([header, question, ...records]), peer.port, peer.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    /** Names, once for each look-up. */
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const all = [...before, ...new Array(tail === undefined ? 0 : 8 - before.length - after.length).fill(0), ...after]
  return Buffer.from(all.flatMap((group: number) => [group >> 8, group & 255]))
}
