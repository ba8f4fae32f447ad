import { isFinal } from '../../contract/reasons.ts'
import type { Run } from '../../contract/runs.ts'
import type { Store } from '../store/ports/store.ts'
import { ofRun, type Wake } from '../wake/wake.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'
import type { RunReader } from './run-reader.ts'
import { runView } from './run-view.ts'

/** Cancels a run: a queued one at once, a running one through its worker. `changed` false: it was final already. */
export function cancelRun(options: { store: Store; wake: Wake; reader: RunReader; publicUrl: string }) {
  return async (caller: Caller, id: string): Promise<{ run: Run; changed: boolean }> => {
    const before = await options.reader.record(caller, id)
    if (isFinal(before.state)) return { run: runView(before, options.publicUrl), changed: false }
    const run = await options.store.runs.cancel(id, 'cancelled_by_user', `Cancelled with the key "${caller.keyName}".`)
    if (!run) throw new Problem('not_found', `There is no run ${id} in this workspace.`)
    options.wake.publish(ofRun(id))
    return { run: runView(run, options.publicUrl), changed: true }
  }
}
