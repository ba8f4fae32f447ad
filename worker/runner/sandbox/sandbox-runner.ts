import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import type { Network } from '../../../contract/networks.ts'
import { allowsLoopback, type Cidr } from '../../../egress/addresses.ts'
import { leftFolders, makeOpenFolder, removeFolder } from '../folder.ts'
import type { RunLimits } from '../limits.ts'
import type { Runner } from '../runner.ts'
import { findNetwork } from './available-network.ts'
import { findCgroupParents, readCgroupView } from './cgroup-parents.ts'
import { type CgroupParents, removeLeftCgroups, tryCgroups } from './cgroups.ts'
import { coverInherited } from './inherited-files.ts'
import { findNode, machineFiles, makeEtc } from './machine-files.ts'
import { openRun } from './open-run.ts'
import { readHardLimits } from './resource-limits.ts'
import type { SandboxMachine } from './sandbox-folder.ts'
import { noStage, openStage } from './stage.ts'
import { needTool } from './tools.ts'

export interface SandboxRunnerOptions {
  /** Where the folders of runs are made; this process's own: left-overs of runs in it are removed. */
  readonly baseFolder: string
  /** As root, slot n runs as user `uidBase + n`: users that nothing else on the machine has. */
  readonly uidBase: number
  /** Shown to runs read-only. `/usr` stands for what it needs of /bin, /lib and /etc too. */
  readonly paths: readonly string[]
  /** The widest network that the operator lets suites have. */
  readonly network: Network
  readonly allowed: readonly Cidr[]
  readonly maximum: RunLimits
  readonly nodePath: string
  /** PATH in which the worker's tools are looked for. */
  readonly toolPath: string
}

/** A sandbox that has really run a command on this machine. Rejects with an Error that says what to install or to set. */
export async function makeSandboxRunner(options: SandboxRunnerOptions): Promise<Runner> {
  const { baseFolder, toolPath } = options
  const tools = {
    bwrap: needTool('bwrap', toolPath),
    prlimit: needTool('prlimit', toolPath),
    setpriv: needTool('setpriv', toolPath),
  }
  for (const path of options.paths) await checkPath(path, baseFolder)
  for (const folder of await leftFolders(baseFolder)) await removeFolder(folder, toolPath)
  const isRoot = process.getuid?.() === 0
  await makeOpenFolder(baseFolder)
  const runs = await realpath(baseFolder)
  const sources = { runs, etc: join(runs, 'etc'), ...findNode(options.nodePath, toolPath) }
  makeEtc(sources.etc, options.paths, allowsLoopback(options.allowed))
  // A container's root may not mount; then all folders must be open to the runs' users.
  const stage = isRoot
    ? await openStage(sources, options.paths, toolPath).catch(() => noStage(sources))
    : noStage(sources)
  const inStage = { etc: stage.at('etc'), node: stage.at('node'), npm: sources.npm && stage.at('npm') }
  const files = machineFiles(inStage, options.paths)
  const hardLimits = await readHardLimits()
  const machine: SandboxMachine = { tools, toolPath, stage, files, hardLimits, coverInherited: coverInherited() }
  const cgroups = await usableCgroups(isRoot, toolPath)
  const network = await findNetwork(options, isRoot)
  const runner: Runner = {
    name: 'sandbox',
    facts: facts(isRoot, cgroups, options, network.hint),
    network: { widest: network.widest, hint: network.hint },
    open: (asked) => openRun(asked, { ...options, machine, isRoot, cgroups, network }),
  }
  await tryOnce(runner, options.maximum)
  return runner
}

/** A path that is shown must be there, and must not show what runs are kept from. */
async function checkPath(path: string, baseFolder: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new Error(`VERDICT_SANDBOX_PATHS: ${path} ${what}`)
  }
  if (!isAbsolute(path)) refuse('is not an absolute path')
  const shown = await realpath(path).catch(() => refuse('is not there'))
  const hidden = await nearestFolder(baseFolder)
  if (shown === '/etc') refuse('holds secrets of the machine: name what suites need of it')
  if (shown === sep || hidden === shown || hidden.startsWith(shown + sep)) {
    refuse(`holds ${baseFolder}, the folder of this server's runs: suites could read each other's; name narrower paths`)
  }
}

async function nearestFolder(path: string): Promise<string> {
  const there = await stat(path).catch(() => undefined)
  return there ? realpath(path) : nearestFolder(join(path, '..'))
}

async function usableCgroups(isRoot: boolean, toolPath: string): Promise<CgroupParents | undefined> {
  const parents = findCgroupParents(readCgroupView(isRoot)).find((found) => tryCgroups(found, toolPath) === undefined)
  if (parents) await removeLeftCgroups(parents)
  return parents
}

function facts(
  isRoot: boolean,
  cgroups: CgroupParents | undefined,
  options: SandboxRunnerOptions,
  hint: string | null,
) {
  const held = cgroups
    ? `memory and processes of a run are limited by control groups (version ${cgroups.version})`
    : 'memory and processes of a run are watched every 250 ms: no control group can be made here'
  return [
    'suites run in bubblewrap: own namespaces, no capabilities, the machine read-only, a private /tmp',
    isRoot
      ? `each slot has a user of its own, from ${options.uidBase} on`
      : 'all runs have the user of this server outside their sandbox: start it as root for a user per slot',
    held,
    'disk of a run is watched every 250 ms, one file by the kernel',
    ...(options.network === 'host'
      ? ['suites that ask for network host reach all that this machine reaches, its own loopback too']
      : []),
    ...(hint === null ? [] : [hint]),
  ]
}

async function tryOnce(runner: Runner, limits: RunLimits): Promise<void> {
  let output = ''
  const folder = await runner.open({ slot: 0, network: 'none', limits })
  try {
    await folder.handOver()
    const exit = await folder.execute({
      shell: 'true',
      environment: {},
      onOutput: (chunk) => {
        output += Buffer.from(chunk).toString()
      },
      signal: new AbortController().signal,
      graceMs: 0,
    })
    if (exit.code !== 0) throw new Error(`\`true\` in the sandbox ended with ${exit.code ?? exit.signal}: ${output}`)
  } finally {
    await folder.close()
  }
}
