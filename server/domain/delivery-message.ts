import { createHmac, randomBytes } from 'node:crypto'
import { type Hmac, makeSecret, type Signer, signer, signWithAll } from '../../contract/signature.ts'
import type { SendRequest } from '../sender/sender.ts'
import type { CallbackRecord, SealedSecret } from '../store/ports/callbacks.ts'
import type { DeliveryRecord } from '../store/ports/deliveries.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'

/** What secrets are sealed for: a sealed value is good at its own place only. */
export const callbackContext = (id: string) => `callback/${id}`
export const workspaceContext = (workspace: string) => `callback-secret/${workspace}`

/** Secrets that are kept open; all are closed at once when it is too many. */
const SIGNERS_MAX = 1000
/** On the spot: handing a few kilobytes to another thread, as Web Crypto does, costs more than their digest. */
const hmac: Hmac = (key) => (bytes) => createHmac('sha256', key).update(bytes).digest()

/** Makes the request of one attempt: signed anew each time, since the time is under the signature. */
export function deliveryMessages(options: { store: Store; vault: Vault; now: () => number }) {
  const { store, vault, now } = options

  const isGood = ({ until }: SealedSecret) => until === null || until > now()

  /** By the sealed secret and its place: opening one costs more than signing by it. */
  const signers = new Map<string, Promise<Signer>>()

  function signerOf({ sealed }: SealedSecret, context: string): Promise<Signer> {
    const place = `${context} ${sealed}`
    const made = signers.get(place) ?? signer(vault.open(sealed, context), hmac)
    if (signers.size >= SIGNERS_MAX) signers.clear()
    signers.set(place, made)
    return made
  }

  async function signed(
    delivery: DeliveryRecord,
    url: string,
    secrets: readonly SealedSecret[],
    context: string,
  ): Promise<SendRequest> {
    const timestamp = Math.floor(now() / 1000)
    const good = await Promise.all(secrets.filter(isGood).map((secret) => signerOf(secret, context)))
    return {
      url,
      body: delivery.body,
      headers: {
        'webhook-id': delivery.event,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': await signWithAll(good, delivery.event, timestamp, delivery.body),
      },
    }
  }

  return async (delivery: DeliveryRecord, callback: CallbackRecord | undefined): Promise<SendRequest> => {
    if (!callback) {
      const context = workspaceContext(delivery.workspace)
      const fresh = vault.seal(makeSecret(randomBytes), context)
      const secrets = await store.callbacks.workspaceSecrets(delivery.workspace, fresh)
      return signed(delivery, delivery.url as string, secrets, context)
    }
    const { target, secrets } = callback
    const context = callbackContext(callback.id)
    if (target.kind === 'standard') return signed(delivery, target.url, secrets, context)
    const token = vault.open((secrets.find(isGood) as SealedSecret).sealed, context)
    const headers: Record<string, string> =
      target.kind === 'github'
        ? {
            authorization: `Bearer ${token}`,
            accept: 'application/vnd.github+json',
            'x-github-api-version': '2022-11-28',
          }
        : { 'private-token': token }
    return { url: delivery.url as string, body: delivery.body, headers }
  }
}
