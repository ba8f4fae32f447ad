import type { CompletedAnswer } from '../store/ports/idempotency.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import { type Caller, credentialOf } from './caller.ts'
import { Problem } from './problem.ts'

const DAY_MS = 86_400_000
const KEEP = { answerMs: DAY_MS, bodyMs: DAY_MS }
/** What was made is remembered, so that a late repetition makes no second one; its secret is not. */
const KEEP_SECRET = { answerMs: DAY_MS, bodyMs: 10 * 60_000 }

export interface Made<T> {
  readonly body: T
  /** The key whose secret is in the body: it is replayed for 10 minutes only, and until its first use. */
  readonly secretOf?: string
}

export interface ReplayRequest {
  /** The `Idempotency-Key`; undefined: nothing is repeated. */
  readonly key: string | undefined
  readonly meaning: unknown
  /** The answer holds a secret: it is repeated to the same credential only, not to all of the workspace. */
  readonly secret: boolean
}

/** Repeats the answer of a POST that makes something. Runs carry their idempotency themselves. */
export interface Replays {
  /**
   * Makes the thing, or answers what was made under the same `Idempotency-Key` with the same meaning. Throws
   * `idempotency_key_reused` for another meaning, `conflict` while the first request is still under way, and once the secret
   * that it made is kept no longer.
   */
  once<T>(caller: Caller, request: ReplayRequest, make: () => Promise<Made<T>>): Promise<{ body: T; replayed: boolean }>
}

export function replays(options: { store: Store; vault: Vault }): Replays {
  const { store, vault } = options
  return {
    async once(caller, { key, meaning, secret }, make) {
      if (key === undefined) return { body: (await make()).body, replayed: false }
      const scope = { workspace: caller.workspace, caller: secret ? credentialOf(caller) : 'workspace', key }
      const context = `replay/${scope.workspace}/${scope.caller}/${key}`
      const found = await store.idempotency.reserve(scope, vault.mac(JSON.stringify(meaning)))
      if (found === 'in_progress')
        throw new Problem('conflict', 'A request with this Idempotency-Key is still under way.', { retryAfter: 1 })
      if (found === 'reused')
        throw new Problem(
          'idempotency_key_reused',
          `The Idempotency-Key ${key} was used for another request. Use a new one.`,
        )
      if (found !== 'reserved') {
        if (found.sealedBody === null) throw new Problem('conflict', noLongerShown(found))
        return { body: JSON.parse(vault.open(found.sealedBody, context)), replayed: true }
      }
      try {
        const made = await make()
        const answer = {
          status: 201,
          sealedBody: vault.seal(JSON.stringify(made.body), context),
          secretOf: made.secretOf ?? null,
        }
        await store.idempotency.complete(scope, answer, made.secretOf === undefined ? KEEP : KEEP_SECRET)
        return { body: made.body, replayed: false }
      } catch (error) {
        await store.idempotency.release(scope)
        throw error
      }
    },
  }
}

function noLongerShown({ secretOf, completedAt }: CompletedAnswer): string {
  const made = `${secretOf ?? 'What it made'} was made by this request at ${new Date(completedAt).toISOString()}`
  return `${made} and shown then; its secret is kept no longer. Rotate it, or make another with a new Idempotency-Key.`
}
