import type { Clock } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import type { GateListener } from '../gate/gate.ts'
import { reportOf } from '../gate/outcome.ts'
import { formatDuration } from '../report/duration.ts'
import { STATE_WORDS } from '../report/run-report.ts'
import { failureLines, verdictLine } from '../report/terminal.ts'
import { oneLine } from '../report/text.ts'
import type { Toolkit } from './toolkit.ts'

/** The name under which the runs that still go on are kept for the step's clean-up. */
export const RUNS_STATE = 'runs'

/** Shows what happens in the job's log, and notes which runs go on, so that a killed job leaves none behind. */
export function jobListener(toolkit: Toolkit, clock: Clock, keepRuns: boolean): GateListener {
  const going = new Map<string, Run>()
  const say = (line: string) => toolkit.info(line)
  const note = () => {
    if (keepRuns) toolkit.saveState(RUNS_STATE, JSON.stringify([...going.keys()]))
  }
  return {
    planned: (_, line) => say(line),
    notice: say,
    started(run, { replayed }) {
      going.set(run.id, run)
      note()
      const again = replayed ? ', the run of an earlier call with this idempotency key' : ''
      say(`${oneLine(run.suite)} ${STATE_WORDS[run.state]}: ${run.id}${again} ${run.webUrl ?? run.url}`)
    },
    changed(run) {
      const before = going.get(run.id)
      if (isFinal(run.state)) return
      going.set(run.id, run)
      if (before !== undefined && told(before) === told(run)) return
      say(`${oneLine(run.suite)} ${told(run)}`)
    },
    still: (runs) => say(runs.map((run) => sinceWhen(run, clock)).join(', ')),
    finished(outcome) {
      const { run, error } = outcome
      if (run !== undefined && isFinal(run.state) && going.delete(run.id)) note()
      // Accepted and not waited for.
      if (error === undefined && run !== undefined && !isFinal(run.state)) return
      const report = reportOf(outcome)
      for (const line of [...failureLines(report), verdictLine(report.run)]) say(line)
    },
  }
}

/** What of a run people are told when it changes; its version changes for less. */
function told({ state, attempt, reason }: Run): string {
  const again = attempt > 1 ? ` (attempt ${attempt})` : ''
  return `${STATE_WORDS[state]}${again}${reason === null ? '' : `: ${oneLine(reason.message)}`}`
}

/** `smoke running for 12.0 s`. */
function sinceWhen(run: Run, clock: Clock): string {
  const since = Date.parse(run.state === 'running' && run.startedAt !== null ? run.startedAt : run.createdAt)
  // The two clocks may differ.
  return `${oneLine(run.suite)} ${STATE_WORDS[run.state]} for ${formatDuration(Math.max(0, clock.now() - since))}`
}
