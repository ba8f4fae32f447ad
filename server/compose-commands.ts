import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { makeAdminKey } from './domain/bootstrap.ts'
import { idMaker } from './domain/ids.ts'
import { replaceSigningKeys } from './domain/signing.ts'
import { openParts } from './parts.ts'

/** A new signing key at once and no other good any more; answers its id. The server must not run on the same data folder. */
export async function composeSigningKey(config: Config, own: Clock = systemClock): Promise<string> {
  const { store, vault, clock } = await openParts(config, own)
  try {
    return await replaceSigningKeys({ store, vault, algorithm: config.tokenAlgorithm, now: () => clock.now() })
  } finally {
    await store.close()
  }
}

/** Another key with every scope but `work`, for the way back in. The server must not run on the same data folder. */
export async function composeAdminKey(config: Config, own: Clock = systemClock): Promise<string> {
  const { store, clock } = await openParts(config, own)
  try {
    return await makeAdminKey({ store, newId: idMaker(clock), now: () => clock.now(), maxDays: config.keyMaxDays })
  } finally {
    await store.close()
  }
}
