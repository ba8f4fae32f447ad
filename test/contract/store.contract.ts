import { describe } from 'vitest'
import { archivesContract } from './store/archives.contract.ts'
import { artifactsContract } from './store/artifacts.contract.ts'
import { casesContract } from './store/cases.contract.ts'
import { claimContract } from './store/claim.contract.ts'
import { idempotencyContract } from './store/idempotency.contract.ts'
import { installationContract } from './store/installation.contract.ts'
import { keysContract } from './store/keys.contract.ts'
import { leaseContract } from './store/lease.contract.ts'
import { queueContract } from './store/queue.contract.ts'
import { removalContract } from './store/removal.contract.ts'
import { revocationsContract } from './store/revocations.contract.ts'
import { runListContract } from './store/run-list.contract.ts'
import { runLogContract } from './store/run-log.contract.ts'
import { runsContract } from './store/runs.contract.ts'
import type { OpenStore } from './store/subject.ts'
import { suitesContract } from './store/suites.contract.ts'
import { sweepsContract } from './store/sweeps.contract.ts'
import { usersContract } from './store/users.contract.ts'

const NOUNS = [
  archivesContract,
  artifactsContract,
  casesContract,
  claimContract,
  idempotencyContract,
  installationContract,
  keysContract,
  leaseContract,
  queueContract,
  removalContract,
  revocationsContract,
  runListContract,
  runLogContract,
  runsContract,
  suitesContract,
  sweepsContract,
  usersContract,
]

/** What every adapter of `server/store/ports/` promises. `open` gives an empty store whose time is that of its clock. */
export function storeContract(name: string, open: OpenStore): void {
  describe(`store in ${name}`, () => {
    for (const contract of NOUNS) contract(open)
  })
}
