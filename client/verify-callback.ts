import { type SignedRequest, verify } from '../contract/signature.ts'
import type { WebhookEvent } from '../contract/webhook-events.ts'

type HeadersLike = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

export interface VerifyOptions {
  /** Milliseconds since 1970; default: now. */
  readonly now?: number
}

/**
 * The event of a callback request, once its signature is good. `body` is the request's body as it arrived: not parsed,
 * not written again. `secrets`: the callback's secret, or old and new one while it is rotated. Rejects with a
 * `SignatureError` whose `code` says why; answer 400 then. Deliveries may come twice and in any order: remember
 * `webhook-id`, and compare `data.version` of a run.
 */
export async function verifyCallback(
  body: string | Uint8Array,
  headers: HeadersLike,
  secrets: string | readonly string[],
  { now = Date.now() }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const request: SignedRequest = {
    body,
    id: header(headers, 'webhook-id'),
    timestamp: header(headers, 'webhook-timestamp'),
    signature: header(headers, 'webhook-signature'),
  }
  await verify(request, typeof secrets === 'string' ? [secrets] : secrets, now)
  return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as WebhookEvent
}

function header(headers: HeadersLike, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name)
  const value = key === undefined ? undefined : headers[key]
  return typeof value === 'string' ? value : value?.join(' ')
}
