import { type Egress, EgressError } from '../../egress/egress.ts'
import type { Sender } from './sender.ts'

const TIMEOUT_MS = 15_000
const ANSWER_CHARACTERS = 2000
const UTF8 = new TextDecoder('utf-8')

/** Sends through the guard, so that no address of a user reaches the operator's own network. */
export function httpSender(egress: Egress, userAgent: string): Sender {
  return {
    close: () => egress.close(),
    async send({ url, headers, body }) {
      try {
        const answer = await egress.send({
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json', 'user-agent': userAgent, ...headers },
          body,
          timeoutMs: TIMEOUT_MS,
        })
        const packed = answer.headers['content-encoding'] !== undefined
        return {
          status: answer.status,
          retryAfter: answer.headers['retry-after'],
          answer: packed ? null : asText(answer.body),
          confidential: answer.fromPrivate,
        }
      } catch (error) {
        if (error instanceof EgressError) return { fault: error.code, message: error.message }
        return { fault: 'failed', message: 'It could not be sent.' }
      }
    },
  }
}

function asText(body: Uint8Array): string | null {
  const text = UTF8.decode(body).slice(0, ANSWER_CHARACTERS)
  // What is no text would be shown as nonsense, and may drive a terminal.
  return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? null : text
}
