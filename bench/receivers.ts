// Fifty receivers of callbacks, one port each, in a process of their own. The first one, asked at /hang, never answers.
// `GET /arrived/COUNT` of the first waits for so many requests and gives, and forgets, how long after their events they
// came, in milliseconds.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const RECEIVERS = 50
let delays: number[] = []
let check = () => {}

const answer: RequestListener = async (request, response) => {
  const wanted = /^\/arrived\/(\d+)$/.exec(request.url ?? '')?.[1]
  if (wanted !== undefined) {
    check = () => {
      if (delays.length < Number(wanted)) return
      response.end(JSON.stringify(delays))
      delays = []
      check = () => {}
    }
    check()
    return
  }
  const body = await text(request)
  if (request.url === '/hang') return
  delays.push(Date.now() - Date.parse(/"timestamp":"([^"]+)"/.exec(body)?.[1] ?? ''))
  response.writeHead(204).end()
  check()
}

const ports: number[] = []
for (let n = 0; n < RECEIVERS; n++) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ports.push((server.address() as AddressInfo).port)
}
console.log(`receivers are at ${ports.map((port) => `http://127.0.0.1:${port}`).join(',')} .`)
