import { execFile, spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import type { Network } from '../../../contract/networks.ts'
import { diskProbe } from '../disk-probe.ts'
import { tooLarge } from '../environment.ts'
import { removeFolder } from '../folder.ts'
import type { RunLimits } from '../limits.ts'
import { openOutputPipe } from '../output-pipe.ts'
import { processProbe } from '../probes.ts'
import { type Command, type Exit, type RunFolder, RunnerError } from '../runner.ts'
import { supervise } from '../supervise.ts'
import { bubblewrapArguments, RUN_FOLDERS } from './bubblewrap.ts'
import type { Cgroup } from './cgroups.ts'
import type { coverInherited } from './inherited-files.ts'
import { HOME, type MachineFiles, RUN_PATH } from './machine-files.ts'
import type { RunNetwork } from './network.ts'
import { type HardLimits, resourceLimits } from './resource-limits.ts'
import { SandboxProcess } from './sandbox-process.ts'
import type { Stage } from './stage.ts'

/** What is the same for every run of a worker. */
export interface SandboxMachine {
  readonly tools: { readonly bwrap: string; readonly prlimit: string; readonly setpriv: string }
  readonly toolPath: string
  readonly stage: Stage
  readonly files: MachineFiles
  readonly hardLimits: HardLimits
  readonly coverInherited: ReturnType<typeof coverInherited>
}

/** What is one run's own. */
export interface SandboxRun {
  /** Holds `work`, `home` and `tmp`. */
  readonly folder: string
  readonly limits: RunLimits
  readonly network: Network
  /** Whom the run's files and processes belong to; undefined: the user of this process, who then is not root. */
  readonly uid: number | undefined
  readonly cgroup: Cgroup | undefined
  readonly runNetwork: RunNetwork | undefined
}

const ARGS_FD = 3
const STATUS_FD = 4
const BLOCK_FD = 5
const GATE_FD = 6

/**
 * Goes on only when this process says so, and ends when it cannot any more. bubblewrap ties itself to the life of its
 * parent at the very end of its own start: a worker that is killed before that would leave a run behind.
 */
const GATE = `echo >&${GATE_FD}; read -r go <&${GATE_FD} || exit 1; exec ${GATE_FD}>&-; exec /bin/sh -c "$1"`

/** The folder of one run; each of its commands has a bubblewrap of its own around it. */
export class SandboxFolder implements RunFolder {
  readonly path: string
  readonly seenAs = RUN_FOLDERS.work
  readonly #machine: SandboxMachine
  readonly #run: SandboxRun

  constructor(machine: SandboxMachine, run: SandboxRun) {
    this.path = join(run.folder, 'work')
    this.#machine = machine
    this.#run = run
  }

  async handOver(): Promise<void> {
    const { uid } = this.#run
    if (uid === undefined) return
    const options = { env: { PATH: this.#machine.toolPath } }
    // -h and the default -P: a link itself changes hands, and nothing behind it.
    await promisify(execFile)('chown', ['-hR', `${uid}:${uid}`, '--', this.path], options).catch((cause) => {
      throw new RunnerError(`the files of a run could not be given to user ${uid}: ${String(cause)}`, { cause })
    })
  }

  async execute(command: Command): Promise<Exit> {
    const environment = { ...command.environment, PATH: RUN_PATH, HOME, TMPDIR: '/tmp' }
    const refusal = tooLarge(command.shell, environment)
    if (refusal) {
      command.onOutput(Buffer.from(`${refusal}\n`))
      return { code: 126, signal: null, limit: null }
    }
    const pipe = await openOutputPipe(this.#run.folder, this.#machine.toolPath).catch((cause) => {
      throw new RunnerError(`no pipe for the output of a run could be made: ${String(cause)}`, { cause })
    })
    try {
      const started = this.#start(command.shell, environment, pipe.writeEnd)
      pipe.read((chunk) => {
        started.noteOutput(chunk)
        command.onOutput(chunk)
      })
      const pid = await started.ready((pid) => this.#run.cgroup?.add(pid))
      const exit = await supervise(started, pipe, command, this.#probes(started, pid))
      await started.mustHaveRun(exit, command.signal.aborted)
      return exit
    } catch (cause) {
      if (cause instanceof RunnerError) throw cause
      throw new RunnerError(`a command could not be run: ${String(cause)}`, { cause })
    } finally {
      pipe.close()
    }
  }

  async close(): Promise<void> {
    await this.#run.runNetwork?.close()
    await this.#run.cgroup?.remove()
    await removeFolder(this.#run.folder, this.#machine.toolPath)
  }

  #start(shell: string, environment: Readonly<Record<string, string>>, output: number): SandboxProcess {
    const [machine, run] = [this.#machine, this.#run]
    const countProcesses = run.cgroup === undefined && run.uid !== undefined
    const [program, ...rest] = [
      ...machine.stage.enter,
      ...(run.uid === undefined ? [] : asUser(machine.tools.setpriv, run.uid)),
      ...(run.runNetwork?.enter ?? []),
      ...[machine.tools.prlimit, ...resourceLimits(run.limits, machine.hardLimits, countProcesses), '--'],
      ...[machine.tools.bwrap, '--args', String(ARGS_FD), '--', '/bin/sh', '-c', GATE, 'sh', shell],
    ]
    const child = spawn(program!, rest, {
      cwd: '/',
      env: {},
      stdio: machine.coverInherited(['ignore', output, output, 'pipe', 'pipe', 'pipe', 'pipe']),
      // Ctrl-C at the server's terminal is for the server, which then gives its runs their grace.
      detached: true,
    })
    const [args, status, block, gate] = [ARGS_FD, STATUS_FD, BLOCK_FD, GATE_FD].map((fd) => child.stdio[fd])
    const view = {
      ...{ machine: machine.files, network: run.network, environment, statusFd: STATUS_FD, blockFd: BLOCK_FD },
      folder: join(machine.stage.at('runs'), basename(run.folder)),
      sharedMemoryBytes: Math.floor(run.limits.memoryBytes / 2),
    }
    ;(args as Writable).on('error', () => undefined).end(bubblewrapArguments(view))
    return new SandboxProcess(child, status as Readable, block as Writable, gate as Duplex)
  }

  #probes(started: SandboxProcess, pid: number) {
    const folders = Object.keys(RUN_FOLDERS).map((name) => join(this.#run.folder, name))
    const { cgroup, limits } = this.#run
    const held = cgroup?.probe() ?? processProbe(() => started.members(pid), limits)
    return [held, diskProbe(folders, limits, this.#machine.toolPath)]
  }
}

/** `--nproc` holds for no process that root starts, and bubblewrap must be nobody special outside either. */
function asUser(setpriv: string, uid: number): string[] {
  return [setpriv, `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs', '--']
}
