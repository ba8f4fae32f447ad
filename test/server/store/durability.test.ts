import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../../server/store/sqlite/open.ts'
import { claim, createRun, definition, finish, LEASE_MS, runningRun, sha256 } from '../../contract/store/subject.ts'
import { MovableClock } from '../../support/clock.ts'
import { databaseIn, openIn, storeProcess, temporaryFolder } from './store-folder.ts'

describe('the SQLite store', () => {
  it('has every run that was acknowledged before its process was killed', async () => {
    const folder = temporaryFolder()
    const writer = storeProcess(
      folder,
      `const source = { kind: 'upload', digest: '', repository: null, commit: null, dirty: null }
      const rest = { revision: null, timeoutSeconds: 1, queueTimeoutSeconds: 1, abandonAfterSeconds: null, callbackUrl: null,
        variables: {}, sealedSecrets: null, rerunOf: null, triggeredBy: { kind: 'key', id: 'k', name: 'n', userId: null } }
      const definition = canonicalDefinition({ run: 'true' })
      for (let i = 0; ; i += 10) {
        await Promise.all(Array.from({ length: 10 }, async (_, j) => {
          const run = { id: 'run_' + (i + j), workspace: 'w', suite: 's', definition, source, labels: ['l'], ci: {}, ...rest }
          await store.runs.create(run, { maxQueued: 1e9 })
          say(run.id)
        }))
      }`,
    )
    const acknowledged: string[] = []
    for await (const line of writer.lines) {
      acknowledged.push(line)
      if (acknowledged.length === 500) await writer.kill()
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(500)

    const { store } = await openIn(folder)
    for (const id of acknowledged) expect(await store.runs.get(id)).toMatchObject({ id, state: 'queued' })
    const { queued } = await store.queue.depth()
    expect((await store.runs.list('w', { label: 'l' }, { limit: 1_000_000 })).length).toBe(queued)
    await store.close()
    const look = new DatabaseSync(databaseIn(folder))
    expect(look.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    look.close()
  })

  it('keeps sums that agree with what they sum, whatever happens to runs and archives', async () => {
    const folder = temporaryFolder()
    const { store, clock } = await openIn(folder)
    for (let i = 0; i < 60; i++) {
      const archive = sha256(i % 7)
      await store.archives.add({ workspace: `wsp_${i % 3}`, sha256: archive, bytes: i, filesDigest: '' }, 1e9)
      await createRun(store, {
        workspace: `wsp_${i % 3}`,
        queueTimeoutSeconds: 100,
        definition: definition({ attempts: 1 + (i % 2), archive }),
      })
      const run = i % 2 ? await claim(store, `wrk_${i % 5}`) : undefined
      const lease = run && { run: run.id, attempt: run.attempt }
      if (lease && i % 4 === 1) await finish(store, lease, `wrk_${i % 5}`)
      if (lease && i % 7 === 0) await store.queue.release(lease, `wrk_${i % 5}`)
      if (i % 9 === 0) await store.queue.releaseAllOf('wrk_3')
      if (run && i % 11 === 0) await store.runs.cancel(run.id, 'abandoned', '')
      clock.advance(LEASE_MS / 3)
      await store.queue.takeBackLost(1)
      await store.queue.endOverdue(1)
      if (i % 20 === 19) await store.runs.removeOlder(clock.now() - LEASE_MS, 5)
      if (i % 20 === 19) await store.archives.removeUnused(clock.now() - LEASE_MS, 2)
    }
    await store.close()
    const look = new DatabaseSync(databaseIn(folder))
    const counted = look.prepare(`SELECT workspace, sum(state = 'queued') AS queued, sum(state = 'running') AS running,
      (SELECT coalesce(sum(bytes), 0) FROM archives WHERE archives.workspace = runs.workspace) AS archiveBytes
      FROM runs GROUP BY workspace ORDER BY workspace`)
    const kept = look.prepare(
      'SELECT workspace, queued, running, archiveBytes FROM workspace_totals ORDER BY workspace',
    )
    expect(kept.all()).toEqual(counted.all())
    expect(kept.all()).toHaveLength(3)
    look.close()
  })

  it("leaves nothing of a run's sealed secrets in its files when the run has ended", async () => {
    const folder = temporaryFolder()
    const { store } = await openIn(folder)
    const { id } = await createRun(store, { sealedSecrets: 'SEALED-SECRETS-OF-THIS-RUN' })
    await claim(store)
    await finish(store, { run: id, attempt: 1 })
    await store.close()
    const look = new DatabaseSync(databaseIn(folder))
    expect(Buffer.from(look.serialize()).includes('SEALED-SECRETS-OF-THIS-RUN')).toBe(false)
    look.close()
  })

  it('has the log that was appended before the verdict, though nobody waited for it', async () => {
    const { store } = await openIn(temporaryFolder(), { logGroupMs: 3_600_000 })
    const { lease } = await runningRun(store)
    const appended = store.runLog.append(lease, 1, 'last words')
    await finish(store, lease)
    expect(await appended).toBe('accepted')
    expect(await store.runLog.read(lease.run, 1, 0, 10)).toMatchObject([{ text: 'last words' }])
  })

  it('is open to nobody else in memory', async () => {
    const stores = await Promise.all([1, 2].map(() => openSqliteStore({ memory: true, clock: new MovableClock() })))
    const { id } = await createRun(stores[0]!)
    expect(await stores[1]!.runs.get(id)).toBeUndefined()
    await Promise.all(stores.map((store) => store.close()))
  })
})
