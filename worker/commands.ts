import { formatDuration } from '../report/duration.ts'
import type { Clock } from './clock.ts'
import type { Output } from './output.ts'
import type { Exit, RunFolder } from './runner/runner.ts'
import type { StopSwitch } from './stop-switch.ts'
import type { Job } from './work.ts'

/** Between SIGTERM and SIGKILL: with it a cancelled run is gone well within 2 s. */
const KILL_GRACE_MS = 1_000

/** How far the commands came. */
export interface Ran {
  setup?: Exit
  command?: Exit
  /** Of the command alone. */
  durationMs: number | null
}

interface CommandSurroundings {
  readonly folder: RunFolder
  readonly environment: Readonly<Record<string, string>>
  readonly output: Output
  readonly stops: StopSwitch
  readonly clock: Clock
  /** Called when the setup has ended well. */
  readonly beforeTests: () => Promise<void>
}

/** Runs setup and command of the job under one time limit, to their end or to the stop of the run. */
export async function runCommands(job: Job, around: CommandSurroundings): Promise<Ran> {
  const { output, stops, clock, beforeTests } = around
  const { setup, run } = job.definition
  const ran: Ran = { durationMs: null }
  const disarm = clock.after(job.timeoutSeconds * 1000, () => stops.request({ kind: 'timeout' }))
  try {
    if (setup !== null) {
      const start = clock.monotonic()
      ran.setup = await runOne(setup, around)
      if (stops.stop || ran.setup.limit || ran.setup.code !== 0) return ran
      output.note(`setup took ${formatDuration(clock.monotonic() - start)}`)
    }
    await beforeTests()
    stops.check()
    const start = clock.monotonic()
    ran.command = await runOne(run, around)
    ran.durationMs = Math.round(clock.monotonic() - start)
    return ran
  } finally {
    disarm()
  }
}

async function runOne(shell: string, { folder, environment, output, stops }: CommandSurroundings): Promise<Exit> {
  try {
    return await folder.execute({
      shell,
      environment,
      onOutput: (chunk) => output.write(chunk),
      signal: stops.signal,
      graceMs: KILL_GRACE_MS,
    })
  } finally {
    output.endCommand()
  }
}
