import type { Clock } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import type { GateListener } from './gate.ts'

/** CI systems end jobs that are silent for long, and people believe them dead: a line a minute at least. */
const LONGEST_SILENCE_MS = 55_000

/** A listener that also tells of the runs that are still waited for, whenever nothing else was told. `stop` ends it. */
export function withHeartbeat(clock: Clock, listener: GateListener): { listener: GateListener; stop: () => void } {
  const waiting = new Map<string, Run>()
  let cancel = () => {}
  const rearm = () => {
    cancel()
    cancel = clock.after(LONGEST_SILENCE_MS, () => {
      if (waiting.size > 0) listener.still?.([...waiting.values()])
      rearm()
    })
  }
  const seen = (run: Run) => {
    rearm()
    if (isFinal(run.state)) waiting.delete(run.id)
    else waiting.set(run.id, run)
  }
  rearm()
  const { log } = listener
  return {
    stop: () => cancel(),
    listener: {
      planned: (suite, line) => listener.planned?.(suite, line),
      notice: (text) => listener.notice?.(text),
      started(run, facts) {
        seen(run)
        listener.started?.(run, facts)
      },
      changed(run) {
        seen(run)
        listener.changed?.(run)
      },
      finished(outcome) {
        if (outcome.run !== undefined) waiting.delete(outcome.run.id)
        listener.finished?.(outcome)
      },
      ...(log !== undefined && {
        log(run: Run, text: string) {
          rearm()
          log.call(listener, run, text)
        },
      }),
    },
  }
}
