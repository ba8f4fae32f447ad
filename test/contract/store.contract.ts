import { describe } from 'vitest'
import { archivesContract } from './store/archives.contract.ts'
import { artifactsContract } from './store/artifacts.contract.ts'
import { auditContract } from './store/audit.contract.ts'
import { callbacksContract } from './store/callbacks.contract.ts'
import { casesContract } from './store/cases.contract.ts'
import { claimContract } from './store/claim.contract.ts'
import { deliveriesContract } from './store/deliveries.contract.ts'
import { idempotencyContract } from './store/idempotency.contract.ts'
import { installationContract } from './store/installation.contract.ts'
import { keyRotationContract } from './store/key-rotation.contract.ts'
import { keysContract } from './store/keys.contract.ts'
import { leaseContract } from './store/lease.contract.ts'
import { leasesContract } from './store/leases.contract.ts'
import { outboxContract } from './store/outbox.contract.ts'
import { queueContract } from './store/queue.contract.ts'
import { removalContract } from './store/removal.contract.ts'
import { revocationsContract } from './store/revocations.contract.ts'
import { runListContract } from './store/run-list.contract.ts'
import { runLogContract } from './store/run-log.contract.ts'
import { runsContract } from './store/runs.contract.ts'
import type { OpenStore } from './store/subject.ts'
import { suitesContract } from './store/suites.contract.ts'
import { sweepsContract } from './store/sweeps.contract.ts'
import { triggersContract } from './store/triggers.contract.ts'
import { usageContract } from './store/usage.contract.ts'
import { usersContract } from './store/users.contract.ts'
import { workersContract } from './store/workers.contract.ts'
import { workspacesContract } from './store/workspaces.contract.ts'

const NOUNS = [
  archivesContract,
  artifactsContract,
  auditContract,
  callbacksContract,
  casesContract,
  claimContract,
  deliveriesContract,
  idempotencyContract,
  installationContract,
  keyRotationContract,
  keysContract,
  leaseContract,
  leasesContract,
  outboxContract,
  queueContract,
  removalContract,
  revocationsContract,
  runListContract,
  runLogContract,
  runsContract,
  suitesContract,
  sweepsContract,
  triggersContract,
  usageContract,
  usersContract,
  workspacesContract,
  workersContract,
]

/** What every adapter of `server/store/ports/` promises. `open` gives an empty store whose time is that of its clock. */
export function storeContract(name: string, open: OpenStore): void {
  describe(`store in ${name}`, () => {
    for (const contract of NOUNS) contract(open)
  })
}
