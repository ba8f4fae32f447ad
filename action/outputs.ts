import type { Run } from '../contract/runs.ts'
import type { GateResult } from '../gate/gate.ts'

/** The outputs of action.yml, by name. */
export type Outputs = Readonly<Record<OutputName, string>>
export const OUTPUT_NAMES = [
  'state',
  'run-id',
  'run-url',
  'runs',
  'total',
  'passed',
  'failed',
  'skipped',
  'duration-ms',
  'junit-file',
] as const
export type OutputName = (typeof OUTPUT_NAMES)[number]

/**
 * What later steps may read. Id and address are the first run's, counts are sums over all, `failed` counts errored tests
 * too, and the duration is the longest run's, since they run side by side. Empty where it is not known.
 */
export function outputsOf({ state, outcomes }: Pick<GateResult, 'state' | 'outcomes'>, junitFile = ''): Outputs {
  const runs = outcomes.flatMap(({ run }) => (run === undefined ? [] : [run]))
  const [first] = runs
  const results = runs.flatMap((run) => (run.results === null ? [] : [run.results]))
  const sum = (count: (of: NonNullable<Run['results']>) => number) =>
    results.length === 0 ? '' : String(results.reduce((total, of) => total + count(of), 0))
  const durations = runs.flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]))
  return {
    state,
    'run-id': first?.id ?? '',
    'run-url': first === undefined ? '' : (first.webUrl ?? first.url),
    runs: JSON.stringify(runs),
    total: sum(({ total }) => total),
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed, errored }) => failed + errored),
    skipped: sum(({ skipped }) => skipped),
    'duration-ms': durations.length === 0 ? '' : String(Math.max(...durations)),
    'junit-file': junitFile,
  }
}

/** What the outputs are when nothing was started. */
export const NO_OUTPUTS: Outputs = outputsOf({ state: 'errored', outcomes: [] })
