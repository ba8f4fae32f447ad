import { fileURLToPath } from 'node:url'
import { TestProcess } from './e2e-process.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

export interface ServerLaunch {
  readonly dataDir: string
  /** 0: any free one. */
  readonly port?: number
  /** Laid over the settings; what an operator would write. */
  readonly env?: Readonly<Record<string, string>>
}

export interface ServerProcess {
  readonly process: TestProcess
  /** Without a trailing slash. */
  readonly url: string
  /** What it printed at the first start on its data folder. */
  readonly firstKey: string | undefined
}

/** The server as `npm start` starts it. Rejects with what it said when it does not come up. */
export async function startServerProcess({ dataDir, port = 0, env }: ServerLaunch): Promise<ServerProcess> {
  const process = new TestProcess({
    program: globalThis.process.execPath,
    args: [MAIN],
    cwd: dataDir,
    env: {
      VERDICT_DATA_DIR: dataDir,
      VERDICT_PORT: String(port),
      // The sandbox where this machine has one, else none at all.
      VERDICT_ALLOW_UNSANDBOXED: '1',
      VERDICT_LOG_LEVEL: 'debug',
      VERDICT_STOP_GRACE_SECONDS: '0',
      ...env,
    },
  })
  const [, url = ''] = await process.says(/^Verdict \S+ is at (http:\S+)/m)
  return { process, url, firstKey: /^ {2}(vdt_\w+)$/m.exec(process.stdout)?.[1] }
}
