import { join } from 'node:path'
import type { Clock } from '../../server/clock.ts'
import { systemClock } from '../../server/clock.ts'
import { gitSetup } from '../../worker/git-setup.ts'
import type { GitSetup } from '../../worker/git-source.ts'
import { type RunningWorker, startWorker } from '../../worker/loop.ts'
import { makeProcessRunner } from '../../worker/runner/process/process-runner.ts'
import type { Runner } from '../../worker/runner/runner.ts'
import { temporaryFolder } from './folder.ts'
import { ScriptedWork } from './scripted-work.ts'

export interface WorkerUnderTest {
  readonly work: ScriptedWork
  readonly worker: RunningWorker
  readonly runner: Runner
  /** What the worker itself logged, one line each. */
  readonly logged: string[]
  /** Stops the worker and removes its folders. */
  close(): Promise<void>
}

export interface WorkerUnderTestOptions {
  readonly slots?: number
  readonly graceMs?: number
  readonly clock?: Clock
  /** The server cannot be reached at first. */
  readonly away?: boolean
  readonly runner?: (real: Runner) => Runner
  /** Changes how commits are fetched; unless it does, from nowhere but public hosts. */
  readonly git?: (setup: GitSetup) => GitSetup
}

/** A real worker with real processes on a scripted server. */
export async function startWorkerUnderTest(options: WorkerUnderTestOptions = {}): Promise<WorkerUnderTest> {
  const baseFolder = temporaryFolder('verdict-worker-')
  const real = await makeProcessRunner({
    baseFolder,
    nodePath: process.execPath,
    toolPath: '/usr/local/bin:/usr/bin:/bin',
    maximum: { memoryBytes: 2 ** 40, processes: 100_000, diskBytes: 2 ** 40 },
  })
  const runner = options.runner?.(real) ?? real
  const clock = options.clock ?? systemClock
  const folder = join(baseFolder, 'sources')
  const git = gitSetup({ folder, clock, allowedPrivateCidrs: [], sourceCache: 2 ** 30 })
  const work = new ScriptedWork()
  work.away = options.away ?? false
  const logged: string[] = []
  const log = (facts: object, message: string) => void logged.push(`${message} ${JSON.stringify(facts)}`)
  const worker = startWorker({
    work,
    runner,
    git: options.git?.(git) ?? git,
    slots: options.slots ?? 1,
    labels: ['linux'],
    graceMs: options.graceMs ?? 0,
    clock,
    random: () => 0.5,
    log: { info: log, warn: log, error: log },
  })
  return {
    work,
    worker,
    runner,
    logged,
    async close() {
      work.away = false
      await worker.stop()
    },
  }
}
