// A process that delivers what is due in the store of a folder, until it is killed: `node sender-child.ts FOLDER KEY`.
import { join } from 'node:path'
import { systemClock as clock } from '../../server/clock.ts'
import { composeCallbacks } from '../../server/compose-callbacks.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { createVault } from '../../server/vault/vault.ts'
import { localWake } from '../../server/wake/local.ts'

const [folder = '', key = ''] = process.argv.slice(2)
const side = composeCallbacks({
  store: await openSqliteStore({ file: join(folder, 'verdict.db'), clock }),
  vault: createVault(Buffer.from(key, 'hex')),
  ...{ clock, wake: localWake(), log: console, version: 'test', publicUrl: 'https://verdict.example' },
  config: { allowedPrivateCidrs: ['127.0.0.0/8'] },
})
await side.start('sender')
// The clock's timers keep no process alive; this one is ended by a signal only.
setInterval(() => {}, 1000)
