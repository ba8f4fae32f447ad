import { join } from 'node:path'
import { leftFolders, makeRunFolder, removeFolder } from '../folder.ts'
import { clampLimits, type RunLimits } from '../limits.ts'
import { hasProcessTable } from '../process-table.ts'
import { type Runner, RunnerError } from '../runner.ts'
import { endProcessesOf } from './left-processes.ts'
import { ProcessFolder, type ProcessMachine } from './process-folder.ts'

export interface ProcessRunnerOptions extends ProcessMachine {
  /** Where the folders of runs are made; this process's own, left-overs of runs in it are removed. */
  readonly baseFolder: string
  readonly maximum: RunLimits
  /** Said before the runner's own facts: why there is no sandbox. */
  readonly facts?: readonly string[]
}

/** Runs commands as the worker's own user: nothing is isolated. For one person's machine and trusted suites only. */
export async function makeProcessRunner(options: ProcessRunnerOptions): Promise<Runner> {
  if (process.platform === 'win32')
    throw new Error('suites cannot be run on Windows: start the worker on Linux, macOS or WSL')
  for (const folder of await leftFolders(options.baseFolder)) {
    await endProcessesOf(folder)
    await removeFolder(folder, options.toolPath)
  }
  return {
    name: 'process',
    facts: [
      ...(options.facts ?? []),
      'NOT isolated: suites run as the user of this server and can read and write all that it can, its data folder too',
      hasProcessTable()
        ? 'memory, processes and disk of a run are watched every 250 ms; a process that leaves its group may outlive its run'
        : 'disk of a run is watched every 250 ms; memory and processes are not limited on this system',
    ],
    network: { widest: 'host', hint: null },
    async open({ limits }) {
      const clamped = clampLimits(limits, options.maximum)
      try {
        const folder = await makeRunFolder(options.baseFolder, ['work', 'home', 'tmp'])
        return new ProcessFolder(folder, join(folder, 'work'), clamped, options)
      } catch (cause) {
        throw new RunnerError(`no folder for a run could be made below ${options.baseFolder}: ${String(cause)}`, {
          cause,
        })
      }
    },
  }
}
