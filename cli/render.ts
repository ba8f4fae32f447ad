import type { Clock } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import type { GateListener, SuiteOutcome } from '../gate/gate.ts'
import { reportOf } from '../gate/outcome.ts'
import { formatDuration } from '../report/duration.ts'
import { STATE_WORDS } from '../report/run-report.ts'
import { failureLines, neutral, verdictLine } from '../report/terminal.ts'
import { oneLine } from '../report/text.ts'
import { LiveLine } from './live-line.ts'
import type { Output } from './output.ts'

/** Shows people what happens at the gate: a live line on a terminal, a line per change in a log. */
export interface Renderer {
  readonly listener: GateListener
  /** A line that belongs to no suite; whatever is in it, it is only text. */
  say(line: string): void
  warn(line: string): void
  /** Takes the live line away; nothing may be shown after that. */
  stop(): void
}

export function createRenderer(output: Output, clock: Clock): Renderer {
  const { colors, screen } = output
  const going = new Map<string, Run>()
  const live = output.live ? new LiveLine(screen, clock, () => progress([...going.values()], clock.now())) : undefined
  const write = (lines: string) => (live ? live.print(`${lines}\n`) : void screen.write(`${lines}\n`))
  const say = (line: string) => write(neutral(line))

  const see = (run: Run) => {
    if (isFinal(run.state)) going.delete(run.id)
    else going.set(run.id, run)
  }

  return {
    say,
    warn: (line) => write(`${colors.yellow('warning:')} ${neutral(line)}`),
    stop: () => live?.stop(),
    listener: {
      planned: (_, line) => say(line),
      notice: (text) => write(colors.dim(neutral(text))),
      started(run, { replayed }) {
        see(run)
        live?.start()
        const again = replayed ? ', the run of an earlier call with this idempotency key' : ''
        write(
          `${head(run)} ${STATE_WORDS[run.state]}: ${neutral(run.id)}${again} ${colors.dim(neutral(run.webUrl ?? run.url))}`,
        )
      },
      changed(run) {
        const before = going.get(run.id)
        see(run)
        if (before && !isFinal(run.state) && told(before) !== told(run)) write(stateLine(run))
      },
      still(runs) {
        if (!live) write(colors.dim(progress(runs, clock.now())))
      },
      finished(outcome) {
        if (outcome.run) going.delete(outcome.run.id)
        const lines = outcomeLines(outcome, output)
        if (lines.length > 0) write(lines.join('\n'))
      },
    },
  }

  function head(run: Run): string {
    return colors.bold(oneLine(neutral(run.suite)))
  }

  function stateLine(run: Run): string {
    const again = run.attempt > 1 ? ` (attempt ${run.attempt})` : ''
    const why = run.reason ? `: ${oneLine(neutral(run.reason.message))}` : ''
    return `${head(run)} ${STATE_WORDS[run.state]}${again}${why}`
  }
}

/** What of a run people are told when it changes; its version changes for less. */
function told({ state, attempt, reason }: Run): string {
  return JSON.stringify([state, attempt, reason?.message])
}

/** `smoke running for 12.0 s, shop/checkout queued for 3.0 s`. */
function progress(runs: readonly Run[], now: number): string {
  return runs
    .map(({ suite, state, startedAt, createdAt }) => {
      const since = Date.parse(state === 'running' && startedAt !== null ? startedAt : createdAt)
      // The two clocks may differ.
      return `${oneLine(neutral(suite))} ${STATE_WORDS[state]} for ${formatDuration(Math.max(0, now - since))}`
    })
    .join(', ')
}

/** How one suite ended: its failures, then its verdict or why there is none. */
function outcomeLines(outcome: SuiteOutcome, { colors }: Output): string[] {
  // Accepted and not waited for.
  if (outcome.error === undefined && outcome.run && !isFinal(outcome.run.state)) return []
  const report = reportOf(outcome)
  return [...failureLines(report, { palette: colors }), verdictLine(report.run, colors)]
}
