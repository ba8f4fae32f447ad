import type { Transport, TransportRequest, TransportResponse } from '../transport.ts'
import { failed, failedBy } from './failure.ts'
import { Watch } from './watch.ts'

// The frame of an adapter, so that all of them wait, repeat, answer and fail alike.

/** What an adapter's `send` brings: the answer's headers, and a body that breaks when the watch's signal is aborted. */
export interface Arrival {
  readonly status: number
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

/** One try of one request. What it throws becomes a TransportError by `failedBy`. */
type Send = (request: TransportRequest, url: URL, watch: Watch) => Promise<Arrival>

/** Makes a transport of an adapter's `send` and its way to end idle connections. */
export function transportOver(send: Send, close: () => void): Transport {
  return { request: (request) => exchange(request, send), close }
}

async function exchange(request: TransportRequest, send: Send): Promise<TransportResponse> {
  const url = URL.canParse(request.url) ? new URL(request.url) : undefined
  // The address itself stays out of the message: it may hold a password.
  if (!url || !/^https?:$/.test(url.protocol)) throw failed('unreachable', 'the server', 'not an http(s) address')
  const watch = new Watch(request, `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`)
  const repeatable = request.method !== 'POST' && request.method !== 'PATCH'
  for (;;) {
    watch.reused = false
    try {
      watch.wait()
      return answer(await watch.during(() => send(request, url, watch)), request, watch)
    } catch (cause) {
      const error = failedBy(cause, watch.place)
      if (repeatable && watch.reused && error.failure === 'reset') continue
      watch.end()
      throw error
    }
  }
}

function answer({ status, headers, body }: Arrival, { method }: TransportRequest, watch: Watch): TransportResponse {
  watch.rest()
  const chunks = watch.over(body)
  // Nobody need read a body that cannot be there, yet its end is what frees the connection.
  if (method === 'HEAD' || status === 204 || status === 304 || headers['content-length']?.[0] === '0')
    chunks.next().catch(() => {})
  return {
    status,
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values?.join(', ') ?? ''])),
    body: chunks,
    async text() {
      const decoder = new TextDecoder()
      let text = ''
      for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
      return text + decoder.decode()
    },
  }
}
