import { arch, availableParallelism, platform } from 'node:os'
import { NETWORKS } from '../contract/networks.ts'
import { parseCidr } from '../egress/addresses.ts'
import * as setting from './setting.ts'

const GIB = 1024 ** 3

/** How suites are run: of a server with a worker inside and of a worker anywhere alike. */
export const RUNNER_SETTINGS = {
  runner: setting.choice(
    'VERDICT_RUNNER',
    ['auto', 'sandbox', 'process', 'none'],
    'auto',
    'how suites are isolated; auto: sandbox if it works, else process if allowed',
  ),
  allowUnsandboxed: setting.flag(
    'VERDICT_ALLOW_UNSANDBOXED',
    'suites may run without a sandbox; loopback only, one user only',
  ),
  workerSlots: setting.count(
    'VERDICT_WORKER_SLOTS',
    availableParallelism(),
    'runs side by side in this process',
    1,
    1000,
    'number of cores',
  ),
  workerLabels: setting.list(
    'VERDICT_WORKER_LABELS',
    [platform(), arch()],
    'operating system, architecture',
    "what a suite's runsOn may ask for",
    setting.isLabel,
  ),
  sandboxPaths: setting.list(
    'VERDICT_SANDBOX_PATHS',
    ['/usr'],
    '/usr',
    'folders that a sandboxed run sees, read-only',
    setting.isAbsolutePath,
  ),
  sandboxNetwork: setting.choice(
    'VERDICT_SANDBOX_NETWORK',
    [...NETWORKS],
    'internet',
    'the widest network that a suite may ask for',
  ),
  sandboxUidBase: setting.count(
    'VERDICT_SANDBOX_UID_BASE',
    60_000,
    'first of the user ids of sandboxed runs',
    1000,
    2 ** 31,
  ),
  sandboxMaxMemory: setting.size(
    'VERDICT_SANDBOX_MAX_MEMORY',
    4 * GIB,
    '4 GiB',
    'the most memory that a suite may ask for',
  ),
  sandboxMaxProcesses: setting.count(
    'VERDICT_SANDBOX_MAX_PROCESSES',
    2048,
    'the most processes that a suite may ask for',
    1,
    1_000_000,
  ),
  sandboxMaxDisk: setting.size(
    'VERDICT_SANDBOX_MAX_DISK',
    10 * GIB,
    '10 GiB',
    'the most disk that a suite may ask for',
  ),
  sourceCache: setting.size(
    'VERDICT_SOURCE_CACHE',
    GIB,
    '1 GiB',
    'the most disk for commits that suites with a source fetched, kept for an hour; 0: none is kept',
  ),
}

/** What both have besides. */
export const RUN_SETTINGS = {
  stopGraceSeconds: setting.count(
    'VERDICT_STOP_GRACE_SECONDS',
    20,
    'how long running suites may go on at SIGTERM, before they are handed back',
    0,
    3600,
  ),
  allowedPrivateCidrs: setting.list(
    'VERDICT_ALLOWED_PRIVATE_CIDRS',
    [],
    'none',
    'private networks that suites and callbacks may reach all the same',
    problemOf(parseCidr),
  ),
  logLevel: setting.choice(
    'VERDICT_LOG_LEVEL',
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'info',
    'what is logged',
  ),
}

/** What a parser says of a text that it does not take. */
function problemOf(parse: (text: string) => unknown): (text: string) => string | undefined {
  return (text) => {
    try {
      parse(text)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
}
