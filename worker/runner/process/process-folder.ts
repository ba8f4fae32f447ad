import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname, join } from 'node:path'
import { diskProbe } from '../disk-probe.ts'
import { tooLarge } from '../environment.ts'
import { removeFolder } from '../folder.ts'
import type { RunLimits } from '../limits.ts'
import { openOutputPipe } from '../output-pipe.ts'
import { processProbe } from '../probes.ts'
import { descendants, hasProcessTable, type ProcessEntry, readProcessTable, signalIfThere } from '../process-table.ts'
import { type Command, type Exit, type RunFolder, RunnerError } from '../runner.ts'
import { type Started, supervise } from '../supervise.ts'
import { terminate } from '../terminate.ts'
import { endProcessesOf } from './left-processes.ts'

/** What is the same for every run of a worker. */
export interface ProcessMachine {
  /** The Node that comes first on a run's PATH. */
  readonly nodePath: string
  /** PATH of the worker: the rest of a run's PATH, and where its own tools are looked for. */
  readonly toolPath: string
}

/** The folder of one run, and a process group for each of its commands. */
export class ProcessFolder implements RunFolder {
  readonly path: string
  readonly seenAs: string
  readonly #folder: string
  readonly #limits: RunLimits
  readonly #machine: ProcessMachine

  constructor(folder: string, path: string, limits: RunLimits, machine: ProcessMachine) {
    this.#folder = folder
    this.path = path
    this.seenAs = path
    this.#limits = limits
    this.#machine = machine
  }

  async handOver(): Promise<void> {
    // The run's user is the worker's own.
  }

  async execute(command: Command): Promise<Exit> {
    const { nodePath, toolPath } = this.#machine
    const environment = {
      ...command.environment,
      PATH: [dirname(nodePath), toolPath].join(delimiter),
      HOME: join(this.#folder, 'home'),
      TMPDIR: join(this.#folder, 'tmp'),
    }
    const refusal = tooLarge(command.shell, environment)
    if (refusal) {
      command.onOutput(Buffer.from(`${refusal}\n`))
      return { code: 126, signal: null, limit: null }
    }
    const pipe = await openOutputPipe(this.#folder, toolPath).catch((cause) => {
      throw new RunnerError(`no pipe for the output of a run could be made: ${String(cause)}`, { cause })
    })
    try {
      const fileBlocks = Math.ceil(this.#limits.diskBytes / 512)
      const child = spawn('/bin/sh', ['-c', LAUNCH, 'sh', String(fileBlocks), command.shell], {
        cwd: this.path,
        env: environment,
        stdio: ['ignore', pipe.writeEnd, pipe.writeEnd],
        detached: true,
      })
      const started = await startedGroup(child)
      pipe.read(command.onOutput)
      return await supervise(started, pipe, command, this.#probes(child.pid!))
    } catch (cause) {
      if (cause instanceof RunnerError) throw cause
      throw new RunnerError(`a command could not be run: ${String(cause)}`, { cause })
    } finally {
      pipe.close()
    }
  }

  async close(): Promise<void> {
    await endProcessesOf(this.#folder)
    await removeFolder(this.#folder, this.#machine.toolPath)
  }

  #probes(group: number) {
    const folders = ['work', 'home', 'tmp'].map((part) => join(this.#folder, part))
    const disk = diskProbe(folders, this.#limits, this.#machine.toolPath)
    return hasProcessTable() ? [disk, processProbe(() => membersOf(group), this.#limits)] : [disk]
  }
}

/** No core files, no file larger than the disk limit (POSIX counts it in blocks of 512 bytes), then the command itself. */
const LAUNCH = 'ulimit -c 0 2>/dev/null; ulimit -f "$1" 2>/dev/null; exec /bin/sh -c "$2"'

async function startedGroup(child: ChildProcess): Promise<Started> {
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  exited.catch(() => undefined)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new RunnerError(`/bin/sh could not be started: ${String(cause)}`, { cause })
  }
  const group = child.pid!
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    exited,
    async terminate(graceMs) {
      if (!hasProcessTable()) return signalIfThere(-group, 'SIGTERM')
      await terminate(
        () => membersOf(group),
        (entry) => entry.pid === group,
        graceMs,
      )
    },
    async kill() {
      // Looked up while the leader lives: once it is gone, nobody is its descendant any more.
      const members = isAlive() && hasProcessTable() ? await membersOf(group) : []
      signalIfThere(-group, 'SIGKILL')
      for (const { pid } of members) signalIfThere(pid, 'SIGKILL')
    },
  }
}

async function membersOf(group: number): Promise<ProcessEntry[]> {
  const table = await readProcessTable()
  const below = new Set(descendants(table, group))
  return table.filter((entry) => entry.group === group || below.has(entry))
}
