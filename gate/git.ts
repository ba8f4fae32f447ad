import { execFile } from 'node:child_process'

/** Runs git in a folder and resolves with what it printed, trimmed; undefined when it fails or is not there. */
export type Git = (args: readonly string[], folder: string) => Promise<string | undefined>

const LIMIT_MS = 20_000
const OUTPUT_BYTES = 16 * 1024 * 1024

/** The machine's own git. It writes nothing into the repository and asks nobody for a password. */
export const systemGit: Git = (args, folder) =>
  new Promise((resolve) => {
    const quiet = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.quotepath=false']
    const options = { cwd: folder, timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES, windowsHide: true }
    execFile('git', [...quiet, ...args], options, (error, stdout) =>
      resolve(error === null ? stdout.trim() : undefined),
    )
  })
