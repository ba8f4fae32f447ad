import { ACCESS_TOKEN_TYPE, type TokenAnswer } from '../../contract/tokens.ts'
import type { Store } from '../store/ports/store.ts'
import type { WorkerRecord } from '../store/ports/workers.ts'
import { type ExchangeRequest, narrow } from './exchange-form.ts'
import { OAuthProblem } from './problem.ts'
import type { Signing } from './signing.ts'

/** A worker's key to an access token of scope `work` alone (wire 1). Throws an {@link OAuthProblem}. */
export async function issueForWorker(
  worker: WorkerRecord,
  request: ExchangeRequest,
  options: {
    readonly store: Store
    readonly signing: Signing
    readonly issuer: string
    readonly ttlSeconds: number
    readonly now: () => number
    readonly randomId: () => string
  },
): Promise<TokenAnswer> {
  if (request.audience !== undefined)
    throw new OAuthProblem(
      'invalid_target',
      `The key of the worker "${worker.name}" gives tokens for this server alone.`,
      {
        reason: 'audience not allowed',
        about: aboutWorker(worker),
      },
    )
  const scope = narrow(['work'], request.scope, `The key of the worker "${worker.name}"`).join(' ')
  const iat = Math.floor(options.now() / 1000)
  const token = await options.signing.sign({
    ...{ iss: options.issuer, aud: `${options.issuer}/v1`, sub: worker.id, client_id: worker.id },
    ...(worker.workspace !== null && { workspace: worker.workspace }),
    ...{ jti: options.randomId(), iat, exp: iat + options.ttlSeconds, scope },
  })
  // It has arrived: an answer that is kept for a repeated request shows it no more.
  if (worker.lastSeenAt === null) await options.store.idempotency.eraseSecretOf(worker.id)
  return {
    access_token: token,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'Bearer',
    expires_in: options.ttlSeconds,
    scope,
    key_expires_at: null,
  }
}

/** The holder of the whole key may know which worker it was. */
export function refuseRemoved(worker: WorkerRecord): void {
  if (worker.revokedAt === null) return
  const reason = `was removed at ${new Date(worker.revokedAt).toISOString()}`
  throw new OAuthProblem(
    'invalid_request',
    `The worker "${worker.name}" ${reason}. Make a new one (verdict workers create NAME) and start it with its key.`,
    { reason, about: aboutWorker(worker) },
  )
}

/** A worker as the audit log names a credential. */
export function aboutWorker({ id, workspace }: WorkerRecord) {
  return { id, user: id, workspace }
}
