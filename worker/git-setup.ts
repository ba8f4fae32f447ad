import { parseCidr } from '../egress/addresses.ts'
import { dnsResolver } from '../egress/resolver.ts'
import type { Clock } from './clock.ts'
import type { GitSetup } from './git-source.ts'
import { SourceCache } from './source-cache.ts'

/** How this worker fetches commits. Empties `folder`, which is its own. */
export function gitSetup(options: {
  readonly folder: string
  readonly clock: Pick<Clock, 'monotonic'>
  /** VERDICT_ALLOWED_PRIVATE_CIDRS. */
  readonly allowedPrivateCidrs: readonly string[]
  /** VERDICT_SOURCE_CACHE, bytes. */
  readonly sourceCache: number
}): GitSetup {
  const { folder, clock, sourceCache } = options
  return {
    allowed: options.allowedPrivateCidrs.map(parseCidr),
    resolve: dnsResolver(),
    cache: new SourceCache({ folder, maxBytes: sourceCache, clock }),
  }
}
