import { parseCidr } from '../egress/addresses.ts'
import type { CallbackSide } from './compose-callbacks.ts'
import { composeIdentity, type IdentityParts } from './compose-identity.ts'
import { archives } from './domain/archives.ts'
import { cancelRun } from './domain/cancel.ts'
import { definitions } from './domain/definitions.ts'
import type { Domain } from './domain/domain.ts'
import { replays } from './domain/idempotency.ts'
import { idMaker } from './domain/ids.ts'
import { me } from './domain/me.ts'
import { readiness } from './domain/readiness.ts'
import { remoteWork } from './domain/remote-work.ts'
import { runPlans } from './domain/run-plan.ts'
import { runReader } from './domain/run-reader.ts'
import { runResults } from './domain/run-results.ts'
import { suiteSecrets } from './domain/suite-secrets.ts'
import { suites } from './domain/suites.ts'
import { trigger } from './domain/trigger.ts'
import { triggerHooks } from './domain/trigger-hooks.ts'
import { triggers } from './domain/triggers.ts'
import { waiting } from './domain/waiting.ts'
import type { WorkSide } from './domain/work.ts'
import { workers } from './domain/workers.ts'
import type { widestNetwork } from './runner.ts'

export interface DomainParts extends IdentityParts, Pick<CallbackSide, 'callbacks' | 'deliveries'> {
  readonly notes: readonly string[]
  readonly network: ReturnType<typeof widestNetwork>
  readonly work: WorkSide
  readonly version: string
}

/** Every use case, each given what it needs. */
export async function composeDomain(parts: DomainParts): Promise<Domain> {
  const { store, blobs, vault, clock, wake, config, publicUrl } = parts
  const now = () => clock.now()
  const newId = idMaker(clock)
  const identity = await composeIdentity(parts)
  const { access } = identity
  const trees = archives({ store, blobs, now, maxBytes: config.archiveMaxBytes, minFreeBytes: config.minFreeBytes })
  const ceilings = {
    ...parts.network,
    memoryBytes: config.sandboxMaxMemory,
    processes: config.sandboxMaxProcesses,
    diskBytes: config.sandboxMaxDisk,
  }
  const allowed = config.allowedPrivateCidrs.map(parseCidr)
  const resolve = definitions({ archives: trees, ceilings, allowed })
  const suiteDomain = suites({ store, newId, resolve })
  const secrets = suiteSecrets({ store, vault, suites: suiteDomain })
  const reader = runReader({ store, publicUrl })
  const starter = trigger({
    store,
    vault,
    wake,
    plans: runPlans({ store, archives: trees, suites: suiteDomain, resolve, ceilings }),
    secrets,
    reader,
    newId,
    publicUrl,
    allowed,
    maxQueued: config.queuedPerWorkspace,
    queueTimeoutSeconds: config.queueTimeoutSeconds,
  })
  return {
    ...identity,
    callbacks: parts.callbacks,
    deliveries: parts.deliveries,
    archives: trees,
    cancel: cancelRun({ store, wake, reader, publicUrl }),
    me: me(store),
    readiness: readiness({ store, clock, notes: () => parts.notes }),
    reader,
    replays: replays({ store, vault }),
    results: runResults({ store, blobs, reader, publicUrl }),
    secrets,
    suites: suiteDomain,
    trigger: starter,
    triggerHooks: triggerHooks({ store, vault, trigger: starter, now, publicUrl }),
    triggers: triggers({ store, vault, suites: suiteDomain, newId, now, publicUrl, allowed }),
    workers: workers({ store, newId, revocation: identity.revocation }),
    remoteWork: remoteWork({ ...parts, revocation: identity.revocation }),
    waiting: waiting({ store, wake, clock, access, reader, publicUrl }),
  }
}
