import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalDefinition } from '../contract/definition.ts'
import { makeSecret } from '../contract/signature.ts'
import { systemClock as clock } from '../server/clock.ts'
import { composeCallbacks } from '../server/compose-callbacks.ts'
import { callbackContext } from '../server/domain/delivery-message.ts'
import { idMaker } from '../server/domain/ids.ts'
import { openSqliteStore } from '../server/store/sqlite/open.ts'
import { createVault } from '../server/vault/vault.ts'
import { localWake } from '../server/wake/local.ts'

const newId = idMaker(clock)
const RESULTS = { total: 1, passed: 1, failed: 0, errored: 0, skipped: 0, flaky: 0 }

export type CallbackWorld = Awaited<ReturnType<typeof callbackWorld>>

/** The part of a server that delivers, as it ships, on a database of its own with a callback for each address. */
export async function callbackWorld(urls: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-bench-'))
  const store = await openSqliteStore({ file: join(folder, 'verdict.db'), clock })
  const vault = createVault(randomBytes(32))
  const wake = localWake()
  for (const url of urls) {
    const id = newId('callback')
    const secrets = [{ sealed: vault.seal(makeSecret(randomBytes), callbackContext(id)), until: null }]
    await store.callbacks.create(
      {
        ...{ id, workspace: 'wsp_1', target: { kind: 'standard', url }, events: ['run.finished'] },
        ...{ suites: null, branches: null, description: null, secrets },
      },
      urls.length,
    )
  }
  const side = composeCallbacks({
    ...{ store, vault, clock, wake, log: console, version: 'bench', publicUrl: 'https://verdict.example' },
    config: { allowedPrivateCidrs: ['127.0.0.0/8'] },
  })

  return {
    /** Begins to deliver; the answer ends it. */
    start: () => side.start('bench'),
    /** Something may be due. */
    wake: () => wake.publish('queue'),
    async finishRun(): Promise<void> {
      const source = { kind: 'upload' as const, digest: 'd'.repeat(64), repository: null, commit: null, dirty: false }
      const made = await store.runs.create(
        {
          ...{
            id: newId('run'),
            workspace: 'wsp_1',
            suite: 'smoke',
            revision: null,
            source,
            variables: {},
            labels: [],
          },
          ...{ definition: canonicalDefinition({ run: 'true' }), timeoutSeconds: 60, queueTimeoutSeconds: 60, ci: {} },
          ...{ abandonAfterSeconds: null, callbackUrl: null, sealedSecrets: null, rerunOf: null },
          triggeredBy: { kind: 'key', id: 'key_1', name: 'bench', userId: null },
        },
        { maxQueued: 1_000_000 },
      )
      if (typeof made === 'string') throw new Error(made)
      await store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: 60_000, perWorkspace: 1000 })
      const lease = { run: made.run.id, attempt: 1 }
      await store.queue.finish(lease, 'wrk_1', { state: 'passed', results: RESULTS, reason: null })
    },
    /** What was sent. */
    async body(): Promise<string> {
      const [delivery] = await store.deliveries.list('wsp_1', {}, { limit: 1 })
      if (!delivery) throw new Error('nothing was sent')
      return delivery.body
    },
    async close(): Promise<void> {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
