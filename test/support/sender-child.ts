// A process that delivers what is due in the store of a folder, until it is killed: `node sender-child.ts FOLDER KEY`.
import { join } from 'node:path'
import { parseAllowedCidrs } from '../../egress/addresses.ts'
import { guardedEgress } from '../../egress/guarded.ts'
import { systemClock } from '../../server/clock.ts'
import { delivering } from '../../server/domain/delivering.ts'
import { deliveryMessages } from '../../server/domain/delivery-message.ts'
import { fanOut } from '../../server/domain/fan-out.ts'
import { idMaker } from '../../server/domain/ids.ts'
import { deliver } from '../../server/jobs/deliver.ts'
import { httpSender } from '../../server/sender/http-sender.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { createVault } from '../../server/vault/vault.ts'
import { localWake } from '../../server/wake/local.ts'

const [folder = '', key = ''] = process.argv.slice(2)
const clock = systemClock
const store = await openSqliteStore({ file: join(folder, 'verdict.db'), clock })
const egress = guardedEgress({ allowed: parseAllowedCidrs('127.0.0.0/8'), after: clock.after })
const vault = createVault(Buffer.from(key, 'hex'))
const onError = (error: unknown) => console.error(error)
let kick = () => {}
await store.deliveries.releaseAllOf('sender')
const sending = delivering({
  ...{ store, clock, onError, owner: 'sender', random: Math.random, onRoom: () => kick() },
  sender: httpSender(egress, 'verdict/test'),
  message: deliveryMessages({ store, vault, now: () => clock.now() }),
})
const job = deliver(
  {
    fanOut: fanOut({ store, newId: idMaker(clock), publicUrl: 'https://verdict.example', onError }),
    start: () => sending.start(),
    nextDue: () => store.deliveries.nextDue(),
    announceExpiring: async () => undefined,
    stop: () => sending.stop(),
  },
  { clock, wake: localWake(), onError },
)
kick = job.kick
// The clock's timers keep no process alive; this one is ended by a signal only.
setInterval(() => {}, 1000)
