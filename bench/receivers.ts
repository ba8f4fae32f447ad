// Fifty receivers of callbacks, one port each, in a process of their own. The first one, asked at /hang, never answers.
// `GET /delays` of the first gives, and forgets, how long after their events the requests came, in milliseconds.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const RECEIVERS = 50
let delays: number[] = []

const answer: RequestListener = async (request, response) => {
  if (request.url === '/delays') {
    response.end(JSON.stringify(delays))
    delays = []
    return
  }
  const body = await text(request)
  if (request.url === '/hang') return
  const now = Date.now()
  delays.push(now - Date.parse(/"timestamp":"([^"]+)"/.exec(body)?.[1] ?? ''))
  response.writeHead(204).end()
}

const ports: number[] = []
for (let n = 0; n < RECEIVERS; n++) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ports.push((server.address() as AddressInfo).port)
}
console.log(`receivers are at ${ports.map((port) => `http://127.0.0.1:${port}`).join(',')} .`)
