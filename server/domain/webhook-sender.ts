import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureError, verify } from '../../contract/signature.ts'
import type { TriggerKind } from '../../contract/trigger-kinds.ts'

/** A webhook as it arrived: headers with lower-case names, and the body byte for byte. */
export interface Webhook {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
}

export const headerOf = ({ headers }: Webhook, name: string): string | undefined => [headers[name]].flat()[0]

type Check = (webhook: Webhook, secrets: readonly string[], now: number) => Promise<boolean>

/** How each kind of sender shows that it knows the secret; over the raw body, compared in constant time. */
const CHECKS: Readonly<Record<TriggerKind, Check>> = {
  async github(webhook, secrets) {
    const given = headerOf(webhook, 'x-hub-signature-256') ?? ''
    const signatures = secrets.map(
      (secret) => `sha256=${createHmac('sha256', secret).update(webhook.body).digest('hex')}`,
    )
    return anyEqual(given, signatures)
  },
  async gitlab(webhook, secrets) {
    return anyEqual(headerOf(webhook, 'x-gitlab-token') ?? '', secrets)
  },
  async standard(webhook, secrets, now) {
    const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) =>
      headerOf(webhook, `webhook-${name}`),
    )
    try {
      await verify({ body: webhook.body, id, timestamp, signature }, secrets, now)
      return true
    } catch (error) {
      if (error instanceof SignatureError) return false
      throw error
    }
  },
}

/** Whether it comes from somebody who knows one of the secrets. `now` is in milliseconds since 1970. */
export function isOfSender(
  kind: TriggerKind,
  webhook: Webhook,
  secrets: readonly string[],
  now: number,
): Promise<boolean> {
  return CHECKS[kind](webhook, secrets, now)
}

/** Where each kind of sender names the delivery. Only Standard Webhooks has it under its signature. */
const ID_HEADERS: Readonly<Record<TriggerKind, string>> = {
  github: 'x-github-delivery',
  gitlab: 'x-gitlab-event-uuid',
  standard: 'webhook-id',
}

/**
 * What a webhook is known again by. Where the sender's id is not signed, so is the body: a recorded webhook that is sent
 * again under another id is the same one. Where it is, the id alone: two webhooks may say the same and be two.
 */
export function tokensOf(kind: TriggerKind, webhook: Webhook): string[] {
  const id = headerOf(webhook, ID_HEADERS[kind])
  const tokens = id === undefined ? [] : [`id:${id.slice(0, 200)}`]
  if (kind === 'standard') return tokens
  return [`sha256:${createHash('sha256').update(webhook.body).digest('hex')}`, ...tokens]
}

/** Digests are compared, so that neither content nor length shows in the time that it takes. */
function anyEqual(given: string, expected: readonly string[]): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(given)
  return expected.map((one) => timingSafeEqual(digest(one), wanted)).includes(true)
}
