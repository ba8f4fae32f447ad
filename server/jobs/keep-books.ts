import type { Clock } from '../clock.ts'
import type { AuditTrail } from '../domain/audit-trail.ts'
import type { Metering } from '../domain/metering.ts'
import type { Signing } from '../domain/signing.ts'
import { repeat } from './loop.ts'

const BOOKS_EVERY_MS = 2000
const KEYS_EVERY_MS = 60_000

export interface Books {
  readonly audit: AuditTrail
  readonly metering: Metering
  readonly signing: Signing
}

/** Keeps what was counted and noted in memory, and looks after the signing keys. The answer does it once more and stops. */
export function keepBooks(
  { audit, metering, signing }: Books,
  clock: Clock,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const write = async () => {
    await audit.flush()
    await metering.flush()
  }
  const tend = async () => {
    const { made, forgotten } = await signing.tend()
    const of = {
      outcome: 'done',
      workspace: null,
      user: null,
      credential: null,
      address: null,
      requestId: null,
    } as const
    for (const target of made) audit.note({ ...of, action: 'signing_key.made', target, detail: {} })
    for (const target of forgotten) audit.note({ ...of, action: 'signing_key.retired', target, detail: {} })
  }
  const stops = [repeat(clock, KEYS_EVERY_MS, tend, onError), repeat(clock, BOOKS_EVERY_MS, write, onError)]
  return async () => {
    for (const stop of stops) await stop()
    await write().catch(onError)
  }
}
