import type { Blobs } from '../blobs/blobs.ts'
import type { Store } from '../store/ports/store.ts'

/** How long things are kept, in days. */
export interface KeepDays {
  readonly logs: number
  readonly artifacts: number
  readonly runs: number
  readonly audit: number
}

export interface Retention {
  /** Removes what is over, in small steps so that no request waits long; what is left is for the next time. */
  remove(): Promise<void>
}

const DAY_MS = 86_400_000
const UNUSED_ARCHIVE_DAYS = 14
const AT_ONCE = 50
/** Between an upload and the record that needs it lies its check, of seconds. A blob that is spared so stays for good: rare and small. */
const JUST_PUT_MS = 10 * 60_000
const STEPS = 20

export function retention(options: { store: Store; blobs: Blobs; days: KeepDays }): Retention {
  const { store, blobs, days } = options
  const drop = async (digests: readonly string[]) => {
    for (const digest of digests) await blobs.delete(digest, { unlessPutWithinMs: JUST_PUT_MS })
  }
  return {
    async remove() {
      const now = await store.now()
      const before = (kept: number) => now - kept * DAY_MS
      await steps(() => store.runLog.removeOlder(before(days.logs), AT_ONCE))
      await steps(async () => {
        const digests = await store.artifacts.removeOlder(before(days.artifacts), AT_ONCE)
        await drop(digests)
        return digests.length
      })
      await steps(async () => {
        const { removed, blobs: digests } = await store.runs.removeOlder(before(days.runs), AT_ONCE)
        await drop(digests)
        return removed
      })
      await steps(async () => {
        const digests = await store.archives.removeUnused(before(UNUSED_ARCHIVE_DAYS), AT_ONCE)
        await drop(digests)
        return digests.length
      })
      await steps(() => store.deliveries.removeOlder(before(days.logs), AT_ONCE))
      await steps(() => store.outbox.forgetSuiteStates(before(days.runs), AT_ONCE))
      await steps(() => store.triggers.expire(AT_ONCE))
      await steps(() => store.idempotency.expire(AT_ONCE))
      await steps(() => store.invitations.expire(AT_ONCE))
      await steps(() => store.audit.removeOlder(before(days.audit), AT_ONCE))
      for (const workspace of await store.workspaces.deleted(AT_ONCE)) {
        await steps(async () => {
          const { done, blobs: digests } = await store.workspaces.removeContents(workspace, AT_ONCE)
          await drop(digests)
          return done ? 0 : 1
        })
      }
    },
  }
}

async function steps(step: () => Promise<number>): Promise<void> {
  for (let i = 0; i < STEPS; i++) if ((await step()) === 0) return
}
