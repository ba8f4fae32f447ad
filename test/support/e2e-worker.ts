import { fileURLToPath } from 'node:url'
import { TestProcess } from './e2e-process.ts'
import type { Stage } from './e2e-stage.ts'

const MAIN = fileURLToPath(new URL('../../worker/main.ts', import.meta.url))

export interface WorkerLaunch {
  readonly url: string
  readonly key: string
  readonly folder: string
  /** Laid over the settings; what an operator would write. */
  readonly env?: Readonly<Record<string, string>>
}

/** A worker as `npm run worker` starts it. */
export function launchWorker({ url, key, folder, env }: WorkerLaunch): TestProcess {
  return new TestProcess({
    program: process.execPath,
    args: [MAIN],
    cwd: folder,
    env: {
      VERDICT_URL: url,
      VERDICT_WORKER_KEY: key,
      VERDICT_DATA_DIR: folder,
      // The sandbox where this machine has one, else none at all.
      VERDICT_ALLOW_UNSANDBOXED: '1',
      VERDICT_WORKER_SLOTS: '1',
      VERDICT_STOP_GRACE_SECONDS: '0',
      ...env,
    },
  })
}

let workers = 0

/** A worker with a label of its own and a key of its own, up and known to the stage's server. */
export async function startWorkerProcess(stage: Stage, label: string) {
  const made = await stage.client.workers.create({ name: label, labels: [label] })
  stage.leaks.secret(made.key)
  const folder = await stage.newFolder()
  // Two workers of one machine never share the user ids of their runs.
  const env = { VERDICT_SANDBOX_UID_BASE: String(61_000 + 100 * ++workers) }
  const launch = () => launchWorker({ url: stage.url, key: made.key, folder, env })
  const process = launch()
  stage.leaks.output(`the output of the worker ${label}`, () => process.stdout + process.stderr)
  await process.says(/works for the workspace/)
  return { id: made.id, key: made.key, process }
}
