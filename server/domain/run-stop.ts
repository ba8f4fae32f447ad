import type { Store } from '../store/ports/store.ts'
import { ofRun, type Wake } from '../wake/wake.ts'

/** Ends what somebody started who is not let in any more. */
export interface RunStop {
  /** Cancels all unfinished runs that the user started. */
  of(user: string, message: string): Promise<void>
  /** Cancels all unfinished runs of the workspace. */
  ofWorkspace(workspace: string, message: string): Promise<void>
}

const AT_ONCE = 100

export function runStop({ store, wake }: { store: Store; wake: Wake }): RunStop {
  async function cancel(id: string, message: string): Promise<void> {
    await store.runs.cancel(id, 'cancelled_by_user', message)
    wake.publish(ofRun(id))
  }
  return {
    async of(user, message) {
      let after: string | undefined
      do {
        const runs = await store.runs.unfinishedOf(user, AT_ONCE, after)
        for (const { id } of runs) await cancel(id, message)
        after = runs.length < AT_ONCE ? undefined : runs.at(-1)?.id
      } while (after !== undefined)
    },
    async ofWorkspace(workspace, message) {
      for (const state of ['queued', 'running'] as const) {
        let after: { createdAt: number; id: string } | undefined
        do {
          const runs = await store.runs.list(workspace, { state }, { limit: AT_ONCE, after })
          for (const { id } of runs) await cancel(id, message)
          after = runs.length < AT_ONCE ? undefined : runs.at(-1)
        } while (after !== undefined)
      }
    },
  }
}
